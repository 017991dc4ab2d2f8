//! The main job: a person with a card comes back logged in.

use crate::harness::{TestIdp, Walk};

#[tokio::test]
async fn a_clinician_logs_in_and_is_told_with_roles() {
    let idp = TestIdp::start().await;
    let logged_in = idp.log_in(&mut idp.browser("clinician")).await;
    let person = idp.pki().person("clinician").unwrap();
    for told in [&logged_in.claims, &logged_in.user_info] {
        assert_eq!(told["employeeHsaId"], person.hsa_id.unwrap());
        assert_eq!(told["given_name"], person.given_name);
        assert_eq!(told["family_name"], person.surname);
        assert_eq!(
            told["systemRole"],
            serde_json::json!(["SYMFONI;Bedömningstandläkare", "SYMFONI;Handläggare"])
        );
    }
    assert_eq!(logged_in.claims["acr"], "http://id.sambi.se/loa/loa3");
    assert_eq!(logged_in.claims["sub"], logged_in.user_info["sub"]);
    assert!(!logged_in.claims["sub"].as_str().unwrap().starts_with("SE"));
}

#[tokio::test]
async fn each_of_the_people_is_told_what_the_table_says() {
    let idp = TestIdp::start().await;
    for person in idp.pki().people() {
        let walk = idp.walk(&mut idp.browser(person.name), &idp.authorize().url()).await;
        match person.expected {
            Some(code) => assert_eq!(walk.error_code(), code.name(), "{}", person.name),
            None => assert!(walk.parameters().contains_key("code"), "{}", person.name),
        }
    }
    let walk: Walk = idp.walk(&mut idp.browser_with(None), &idp.authorize().url()).await;
    assert_eq!(walk.error_code(), "certificate_missing");
}

#[tokio::test]
async fn a_node_that_dies_between_two_steps_loses_nothing() {
    let mut idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let mut next = idp.authorize().url();
    // A new node at every step: authorize, card, resume.
    for _ in 0..2 {
        next = browser.get(&next).await.unwrap().location().expect("a redirect");
        idp.die_and_be_replaced().await;
    }
    let code = idp.code(&mut browser, &idp.authorize()).await;
    let parameters = idp.walk(&mut browser, &next).await.parameters();
    idp.die_and_be_replaced().await;
    for code in [code.as_str(), parameters["code"].as_str()] {
        let (status, tokens) = idp.token(&idp.token_request(code)).await;
        assert_eq!(status, 200, "{tokens}");
    }
}

//! What operators meet: starting, standing beside other versions, forgetting in time.

use crate::harness::TestIdp;

#[tokio::test]
async fn two_database_connections_are_enough_to_serve() {
    let idp = TestIdp::start_with(|config| config.database.max_connections = 2).await;
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    idp.register(|client| client.name = "Told of".to_owned()).await;
    idp.login_tokens(&idp.authorize()).await;
}

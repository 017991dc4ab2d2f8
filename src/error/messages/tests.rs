use std::collections::{BTreeSet, HashSet};

use super::*;
use crate::error::catalogue::First;

const LANGUAGES: [Language; 2] = [Language::Sv, Language::En];

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

#[test]
fn wording_of_an_unknown_code_is_refused() {
    let extra = "[code.no_such_code]\ntitle = ''\nmessage = ''\n";
    let sv = format!("{}{extra}", include_str!("sv.toml"));
    let read = Wording::read(&sv, include_str!("en.toml"));
    assert!(matches!(read, Err(WordingError::Unknown(name)) if name == "no_such_code"));
}

#[test]
fn a_code_without_wording_is_refused() {
    let en = include_str!("en.toml").replace("[code.pkce_plain]", "[code.pkce_plainer]");
    let read = Wording::read(include_str!("sv.toml"), &en);
    assert!(matches!(read, Err(WordingError::Missing("pkce_plain"))));
}

#[test]
fn names_are_unique_and_in_snake_case() {
    let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for name in names {
        assert!(
            name.split('_')
                .all(|word| !word.is_empty()
                    && word.bytes().all(|letter| letter.is_ascii_lowercase()))
        );
    }
}

#[test]
fn every_code_is_worded_in_both_languages() {
    for code in Code::ALL {
        for language in LANGUAGES {
            let said = messages(*code, language);
            let name = code.name();
            assert!(!said.title.is_empty() && said.title.chars().count() <= 50, "{name}");
            assert!(!said.title.ends_with('.'), "{name}: a heading has no full stop");
            assert!(!said.message.is_empty() && !said.advice.is_empty(), "{name}");
            assert_eq!(said.contact_name.is_empty(), said.contact == Contact::None, "{name}");
        }
        let (sv, en) = (messages(*code, Language::Sv), messages(*code, Language::En));
        assert_ne!(sv.message, en.message);
        assert_eq!(sv.advice.len(), en.advice.len(), "{}: as many steps", code.name());
    }
}

#[test]
fn placeholders_are_known_and_the_same_in_both_languages() {
    for code in Code::ALL {
        let (sv, en) = (messages(*code, Language::Sv), messages(*code, Language::En));
        assert_eq!(placeholders(&sv.message), placeholders(&en.message), "{}", code.name());
        assert_eq!(placeholders(&sv.page), placeholders(&en.page), "{}", code.name());
        for text in [&sv.title, &sv.message, &sv.page].into_iter().chain(&sv.advice) {
            assert!(placeholders(text).is_subset(&BTreeSet::from(["submitted_value", "system"])));
        }
        assert_eq!(placeholders(&sv.title), BTreeSet::new());
    }
}

#[test]
fn our_own_pages_never_show_the_submitted_value() {
    for code in Code::ALL {
        for language in LANGUAGES {
            let said = messages(*code, language);
            for text in said.advice.iter().chain([&said.page, &said.title, &said.contact_name]) {
                assert!(!text.contains("submitted_value"), "{}", code.name());
            }
        }
    }
}

#[test]
fn the_documented_sentence_is_kept_to_the_letter() {
    let documented =
        "Inloggningen avbröts p.g.a. användare med HSAID 'SE2321000156-1003' finns ej i systemet";
    for code in [Code::UserUnknown, Code::CertificateWrongType] {
        let message = &messages(code, Language::Sv).message;
        let values = Values { submitted_value: "SE2321000156-1003", system: "Symfoni" };
        assert_eq!(fill(message, &values), documented);
    }
}

#[test]
fn the_first_line_of_a_missing_certificate_says_what_to_check() {
    assert!(messages(Code::CertificateMissing, Language::Sv).page.starts_with("Kontrollera"));
    assert!(messages(Code::CertificateMissing, Language::En).page.starts_with("Check"));
}

#[test]
fn descriptions_have_the_characters_of_rfc_6749_only() {
    for code in Code::ALL {
        let text = description(*code);
        assert!(!text.is_empty() && text.ends_with('.'), "{}", code.name());
        // RFC 6749 §4.1.2.1: %x20-21 / %x23-5B / %x5D-7E
        assert!(text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
        assert!(!text.contains(['{', '}']), "{}: nothing to fill in", code.name());
    }
}

#[test]
fn every_code_that_is_the_integrators_to_mend_tells_him_how() {
    for code in Code::ALL {
        let contact = messages(*code, Language::En).contact;
        assert_eq!(developer(*code).is_some(), contact == Contact::System, "{}", code.name());
        if let Some(line) = developer(*code) {
            assert!(line.is_ascii() && !line.contains(['\n', '{']), "{}", code.name());
        }
    }
}

#[test]
fn oauth_names_are_those_that_the_endpoint_may_return() {
    // RFC 6749 §4.1.2.1, OpenID Connect Core 1.0 §3.1.2.6, and
    // OpenID Connect Core Error Code unmet_authentication_requirements 1.0.
    let authorize = [
        "invalid_request",
        "unauthorized_client",
        "access_denied",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
        "interaction_required",
        "login_required",
        "account_selection_required",
        "consent_required",
        "invalid_request_uri",
        "invalid_request_object",
        "request_not_supported",
        "request_uri_not_supported",
        "registration_not_supported",
        "unmet_authentication_requirements",
        // RFC 8707 §2.
        "invalid_target",
    ];
    // RFC 6749 §5.2, RFC 8707 §2. §5.2 has no name for a 503: that of §4.1.2.1.
    let token = [
        "temporarily_unavailable",
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_target",
        // RFC 9449 §5, §8; §7.1, §9 has them at resources, too.
        "invalid_dpop_proof",
        "use_dpop_nonce",
    ];
    // RFC 6750 §3.1.
    let bearer = ["invalid_request", "invalid_token", "insufficient_scope"];
    for code in Code::ALL {
        let place = *code as usize;
        let allowed: &[&str] = if place < Code::ClientAuthenticationMissing as usize {
            &authorize
        } else if place < Code::TokenMissing as usize {
            &token
        } else {
            &bearer
        };
        assert!(allowed.contains(&code.oauth()), "{} as {}", code.name(), code.oauth());
    }
}

#[test]
fn statuses_are_those_of_the_errors() {
    for code in Code::ALL {
        let name = code.name();
        assert!((400..600).contains(&code.status()), "{name}");
        assert_eq!(code.oauth() == "server_error", code.status() == 500, "{name}");
        // RFC 9126 §2.3 wants 429 for too many requests.
        let may_pass = matches!(code.status(), 429 | 503);
        assert_eq!(code.oauth() == "temporarily_unavailable", may_pass, "{name}");
        if matches!(code.oauth(), "invalid_client" | "invalid_token") {
            assert_eq!(code.status(), 401, "{name}");
        }
        if matches!(code.oauth(), "invalid_grant" | "invalid_scope") {
            assert_eq!(code.status(), 400, "{name}");
        }
    }
}

#[test]
fn the_person_is_told_first_only_where_another_attempt_helps() {
    for code in Code::ALL {
        if code.first() == First::Person {
            assert!(code.again(), "{}: no way forward on the page", code.name());
        }
    }
}

#[test]
fn a_value_that_looks_like_a_placeholder_is_not_filled_again() {
    let values = Values { submitted_value: "{system}", system: "{submitted_value}" };
    assert_eq!(
        fill("a {submitted_value} b {system} {other", &values),
        "a {system} b {submitted_value} {other"
    );
}

#[test]
fn contacts_are_named_on_the_wire_as_in_the_files() {
    for code in Code::ALL {
        let contact = messages(*code, Language::Sv).contact;
        assert_eq!(serde_json::json!(contact), contact.name());
    }
}

/// The check page says these where nobody logged in.
#[test]
fn the_pages_on_a_certificate_speak_of_no_login_that_was_stopped() {
    for code in Code::ALL.iter().filter(|code| code.name().starts_with("certificate_")) {
        for (language, stopped) in
            [(Language::Sv, "Inloggningen avbröts"), (Language::En, "login was stopped")]
        {
            let page = &messages(*code, language).page;
            assert!(!page.contains(stopped), "{}: {page}", code.name());
        }
    }
}

#[test]
fn of_a_card_whose_status_is_unknown_nothing_good_is_promised() {
    for (language, promised, unknown, supplier) in [
        (
            Language::Sv,
            "inget fel på ditt kort",
            "ta reda på om kortet är spärrat",
            "kortleverantör",
        ),
        (Language::En, "nothing wrong", "found out whether the card is revoked", "card supplier"),
    ] {
        let said = messages(Code::CertificateStatusUnknown, language);
        assert!(!said.page.contains(promised) && said.page.contains(unknown), "{}", said.page);
        let advice = said.advice.join(" ");
        assert!(advice.contains(supplier) && advice.contains("Service Desk"), "{advice}");
    }
}

/// A PIN that is wrong or blocked reaches us as no certificate.
#[test]
fn a_missing_certificate_says_who_helps_with_a_pin() {
    for (language, words) in [
        (
            Language::Sv,
            ["PIN-koden fel, glömd eller spärrad", "kortleverantör", "lokala it-support"],
        ),
        (Language::En, ["PIN wrong, forgotten or blocked", "card supplier", "local IT support"]),
    ] {
        let advice = &messages(Code::CertificateMissing, language).advice;
        assert!(
            advice.iter().any(|step| words.iter().all(|word| step.contains(word))),
            "{advice:?}"
        );
    }
}

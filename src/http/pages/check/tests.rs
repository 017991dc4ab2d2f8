use super::*;
use crate::http::pages::{STYLESHEET, STYLESHEET_PATH};

const LANGUAGES: [Language; 2] = [Language::Sv, Language::En];
const EVIL: &str = r#"</dd><script>alert("1")</script>'å&"#;

fn presented(text: &str) -> Presented {
    let many = vec![text.to_owned(); 3];
    Presented {
        kind: Some(Kind::HsaId),
        issuer: text.to_owned(),
        not_before: DateTime::UNIX_EPOCH,
        not_after: DateTime::UNIX_EPOCH,
        usage: Usage::Identification,
        key_usage: vec!["digitalSignature", "keyEncipherment"],
        purposes: many.clone(),
        policies: many,
        loa: Some("loa3"),
        identifier: Identifier::HsaId("SE2321000016-1003".to_owned()),
        key: text.to_owned(),
        signature_algorithm: text.to_owned(),
        serial: text.to_owned(),
    }
}

fn render(language: Language, verdict: Verdict, presented: Option<Presented>) -> String {
    let checked = Checked {
        reference: "7F3K-92QD".to_owned(),
        verdict,
        presented,
        revocation: Vec::new(),
        steps: Vec::new(),
        next: String::new(),
    };
    CheckPage {
        language,
        checked: &checked,
        tls: &[EVIL.to_owned()],
        now: DateTime::UNIX_EPOCH,
        issuer: "https://idp.example",
        next: "https://a.card.idp.example/check",
        other_language: "?ui_locales=en",
    }
    .render()
}

fn verdicts() -> Vec<Verdict> {
    let rejected = Code::ALL.iter().map(|&code| Verdict::Rejected { code, cause: "a-cause" });
    let good = [Holder::User, Holder::NotAUser, Holder::Unknown].map(Verdict::Good);
    rejected.chain(good).chain([Verdict::NoCertificate, Verdict::Busy]).collect()
}

#[test]
fn every_verdict_is_a_whole_page_under_the_strictest_policy() {
    for language in LANGUAGES {
        for verdict in verdicts() {
            let page = render(language, verdict, Some(presented("SITHS e-id")));
            for landmark in ["<h1>", "<header>", "<main>", "<title>", "<footer>"] {
                assert_eq!(page.matches(landmark).count(), 1, "{landmark} {verdict:?}");
            }
            for forbidden in ["<script", "style=", "<form", "<img", "<iframe", "<base", " on"] {
                let tags = page.split('<').skip(1).filter_map(|rest| rest.split('>').next());
                for tag in tags {
                    assert!(!format!("<{tag}").contains(forbidden), "{forbidden} in <{tag}>");
                }
            }
            assert!(!page.contains(['{', '}']), "an unfilled placeholder: {page}");
            assert!(page.contains(&format!("https://idp.example{STYLESHEET_PATH}")));
            assert!(page.contains("7F3K-92QD"));
            assert!(page.len() + STYLESHEET.len() < 30_000, "{}", page.len());
        }
    }
}

#[test]
fn what_a_certificate_says_is_text_and_short() {
    let page = render(Language::Sv, Verdict::Busy, Some(presented(EVIL)));
    assert!(!page.contains("<script") && page.contains("å"), "{page}");
    let rejected = Verdict::Rejected { code: Code::CertificateUnusable, cause: "" };
    let endless = render(Language::Sv, rejected, Some(presented(&"å<".repeat(20_000))));
    assert!(endless.len() + STYLESHEET.len() < 30_000, "{}", endless.len());
}

#[test]
fn a_number_that_is_no_hsa_id_is_said_and_not_shown() {
    for language in LANGUAGES {
        for (identifier, said) in [
            (Identifier::PersonalNumber, said(language).personal_number),
            (Identifier::Other, said(language).other_identifier),
            (Identifier::Missing, said(language).no_identifier),
        ] {
            let card = Presented { identifier, ..presented("SITHS e-id") };
            assert!(render(language, Verdict::Busy, Some(card)).contains(said), "{said}");
        }
    }
}

#[test]
fn each_kind_of_certificate_has_words_of_its_own() {
    for language in LANGUAGES {
        let mut told = std::collections::HashSet::new();
        for (kind_of, loa, usage) in [
            (Some(Kind::HsaId), Some("loa3"), Usage::Identification),
            (Some(Kind::HsaId), Some("loa2"), Usage::Identification),
            (Some(Kind::HsaId), Some("loa3"), Usage::Signing),
            (Some(Kind::PersonId), None, Usage::Identification),
            (Some(Kind::Mobile), None, Usage::Identification),
            (Some(Kind::Function), None, Usage::Identification),
            (None, None, Usage::Identification),
        ] {
            let card = Presented { kind: kind_of, loa, usage, ..presented("SITHS e-id") };
            let kind = kind(&card, Verdict::Busy, said(language));
            assert!(told.insert(kind), "{kind_of:?} {loa:?} {usage:?}");
        }
    }
}

#[test]
fn only_a_card_that_is_accepted_was_the_right_choice() {
    for (language, right) in [(Language::Sv, "rätt val"), (Language::En, "the right choice")] {
        for verdict in verdicts() {
            for loa in ["loa3", "loa2"] {
                let card = Presented { loa: Some(loa), ..presented("SITHS e-id") };
                let page = render(language, verdict, Some(card));
                let is_good = matches!(verdict, Verdict::Good(_));
                assert_eq!(page.contains(right), is_good, "{verdict:?} {loa}");
            }
        }
    }
}

#[test]
fn the_main_button_is_another_certificate_only_where_that_can_help() {
    for verdict in verdicts() {
        let expected = match verdict {
            Verdict::Good(_) => false,
            Verdict::Rejected { code, .. } => code.again(),
            Verdict::NoCertificate | Verdict::Busy => true,
        };
        let page = render(Language::Sv, verdict, Some(presented("SITHS e-id")));
        assert_eq!(page.contains(r#"class="button first""#), expected, "{verdict:?}");
        assert_eq!(page.matches("class=\"button").count(), 1, "{verdict:?}");
    }
    let revoked = Verdict::Rejected { code: Code::CertificateRevoked, cause: "a-cause" };
    let page = render(Language::Sv, revoked, Some(presented("SITHS e-id")));
    assert!(!page.contains("button first"), "a new card is needed");
}

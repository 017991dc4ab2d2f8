use std::collections::HashMap;

use super::*;

const LANGUAGES: [Language; 2] = [Language::Sv, Language::En];

fn problem(code: Code, language: Language) -> ProblemPage<'static> {
    ProblemPage {
        language,
        code,
        reference: Some("7F3K-92QD"),
        system: Some("Symfoni"),
        retry: Some("/login?again=1&x=2"),
        shows_more: true,
        back: Some("https://rp.example/cb?error=access_denied&state=x"),
        other_language: Some("?ui_locales=en"),
        detail: PageDetail::default(),
    }
}

/// Every page in every language, with everything on it.
fn all_pages() -> Vec<String> {
    let mut pages = Vec::new();
    for language in LANGUAGES {
        for &code in Code::ALL {
            pages.push(problem(code, language).render());
            pages.push(CodePage { language, code }.render());
        }
        pages.push(StartPage { language, issuer: "https://idp.example" }.render());
    }
    pages
}

#[test]
fn markup_in_a_name_is_text() {
    let evil = r#"</title><script>alert("1")</script>'å&"#;
    let page = ProblemPage {
        system: Some(evil),
        reference: Some(evil),
        retry: Some(r#"/x" onclick="y"#),
        back: Some(r#"/x" onclick="y"#),
        other_language: Some(r#"/x" onclick="y"#),
        detail: PageDetail { issuer: Some(evil), ..PageDetail::default() },
        ..problem(Code::RoleMissing, Language::Sv)
    }
    .render();
    assert!(!page.contains("<script") && !page.contains(r#"" onclick"#), "{page}");
    assert_eq!(page.matches("</title>").count(), 1);
    assert!(page.contains("å"));
}

#[test]
fn an_endless_name_leaves_a_page_of_its_usual_size() {
    let name = "å<".repeat(5_000);
    let detail = PageDetail { issuer: Some(&name), ..PageDetail::default() };
    let system = Some(name.as_str());
    let page = ProblemPage { system, detail, ..problem(Code::LoginLost, Language::Sv) }.render();
    assert!(page.len() < 8_000, "{}", page.len());
}

#[test]
fn a_right_to_left_name_is_set_apart() {
    let name = "\u{202e}עברית";
    let detail = PageDetail { issuer: Some(name), ..PageDetail::default() };
    let page =
        ProblemPage { system: Some(name), detail, ..problem(Code::RoleMissing, Language::Sv) };
    let page = page.render();
    assert!(!page.contains('\u{202e}'));
    assert!(page.contains(r#"<bdi dir="auto">עברית</bdi>"#));
    assert!(page.contains(r#"<dd dir="auto">עברית</dd>"#));
    assert!(page.contains("behörighet till \u{2068}עברית\u{2069}."));
}

#[test]
fn every_page_works_under_the_content_security_policy() {
    for page in all_pages() {
        for forbidden in ["<script", "style=", "<style", "<form", "<img", "<iframe", "<base", " on"]
        {
            let inside_tags = page.split('<').skip(1).filter_map(|rest| rest.split('>').next());
            for tag in inside_tags {
                assert!(!format!("<{tag}").contains(forbidden), "{forbidden} in <{tag}>");
            }
        }
        assert_eq!(page.matches("<link").count(), 1);
        assert!(page.contains(STYLESHEET_PATH));
    }
    assert!(!STYLESHEET.contains("url(") && !STYLESHEET.contains("@import"));
}

#[test]
fn every_page_has_its_language_one_heading_and_its_landmarks() {
    for page in all_pages() {
        assert!(page.starts_with("<!doctype html>"));
        assert!(page.contains(r#"<html lang="sv">"#) || page.contains(r#"<html lang="en">"#));
        for landmark in ["<h1>", "<header>", "<main>", "<title>"] {
            assert_eq!(page.matches(landmark).count(), 1, "{landmark}");
        }
        assert!(!page.contains(['{', '}']), "an unfilled placeholder: {page}");
        assert!(page.len() + STYLESHEET.len() < 30_000);
    }
}

#[test]
fn a_problem_without_a_way_on_still_says_what_to_do() {
    let page = ProblemPage {
        language: Language::Sv,
        code: Code::NotFound,
        reference: None,
        system: None,
        retry: None,
        shows_more: false,
        back: None,
        other_language: None,
        detail: PageDetail::default(),
    }
    .render();
    assert!(page.contains("Sidan finns inte") && page.contains("Så här gör du"));
    assert!(!page.contains("Referens") && !page.contains("class=\"button"));
}

#[test]
fn a_problem_shows_the_reference_the_buttons_and_the_chosen_certificate() {
    let detail = PageDetail {
        issuer: Some("SITHS e-id Person ID 3 CA v1"),
        valid_from: None,
        valid_until: NaiveDate::from_ymd_opt(2027, 4, 30),
    };
    let page = ProblemPage { detail, ..problem(Code::CertificateExpired, Language::Sv) }.render();
    for text in
        ["7F3K-92QD", "Försök igen", "Tillbaka till <bdi", "Person ID 3 CA v1", "2027-04-30"]
    {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.contains(r#"href="https://rp.example/cb?error=access_denied&#38;state=x""#));
}

/// Codes that the relying party is told first have no page of ours but the one that explains them.
#[test]
fn the_page_of_every_code_about_a_card_leads_to_the_check_page() {
    for language in LANGUAGES {
        for &code in Code::ALL {
            let link = format!(r#"<a href="/check">{}</a>"#, words(language).check);
            let page = CodePage { language, code }.render();
            assert_eq!(page.contains(&link), is_about_card(code), "{}", code.name());
        }
    }
    for code in [Code::CertificateRevoked, Code::CertificateStatusUnknown, Code::AssuranceTooLow] {
        assert!(is_about_card(code), "{}", code.name());
    }
    assert!(!is_about_card(Code::PkceMissing));
}

#[test]
fn the_style_sheets_path_is_named_by_its_content() {
    let name = STYLESHEET_PATH.strip_prefix("/assets/").unwrap().strip_suffix(".css").unwrap();
    assert!(name.len() == 16 && name.bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert_ne!(name, "0000000000000000");
}

/// The colours out of the style sheet itself: WCAG 2.1 success criterion 1.4.3, 4.5 : 1.
#[test]
fn text_is_readable_in_light_and_dark() {
    let blocks: Vec<HashMap<&str, f64>> = STYLESHEET
        .split('}')
        .map(|block| block.split([';', '{']).filter_map(colour).collect())
        .filter(|colours: &HashMap<_, _>| !colours.is_empty())
        .collect();
    let [light, dark, demo_light, demo_dark] = blocks.as_slice() else {
        panic!("light, dark, and the demo's over each");
    };
    for (scheme, over) in [(light, light), (dark, dark), (light, demo_light), (dark, demo_dark)] {
        let luminance = |name: &str| *over.get(name).unwrap_or_else(|| &scheme[name]);
        for (text, ground) in [
            ("ink", "ground"),
            ("ink", "sheet"),
            ("ink", "tint"),
            ("quiet", "ground"),
            ("quiet", "sheet"),
            ("quiet", "tint"),
            ("accent", "sheet"),
            ("accent", "ground"),
            ("accent", "tint"),
            ("on-accent", "accent"),
            ("on-accent", "accent-strong"),
        ] {
            let (a, b) = (luminance(text), luminance(ground));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
        }
    }
}

/// `--name: #rrggbb` and its relative luminance (WCAG 2.1).
fn colour(declaration: &str) -> Option<(&str, f64)> {
    let (name, colour) = declaration.trim().strip_prefix("--")?.split_once(": #")?;
    let digits: Vec<u8> = colour.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    let parts: Vec<u8> = match digits.as_slice() {
        [r, g, b] => vec![r * 17, g * 17, b * 17],
        pairs => pairs.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect(),
    };
    let linear = |part: u8| match f64::from(part) / 255.0 {
        part if part <= 0.04045 => part / 12.92,
        part => ((part + 0.055) / 1.055).powf(2.4),
    };
    Some((name, 0.2126 * linear(parts[0]) + 0.7152 * linear(parts[1]) + 0.0722 * linear(parts[2])))
}

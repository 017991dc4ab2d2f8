//! The page that tells what a card is: what arrived, whether it would do, and what helps.
//!
//! For the holder of the card alone. Must never show a personnummer, and nothing that the card's
//! holder does not hold in the hand already, but whether the holder is a user.

mod words;

use askama::Template;
use chrono::{DateTime, Utc};

use self::words::{Said, said};
use super::foreign::shortened;
use super::html;
use super::words::{Words, words};
use crate::error::Code;
use crate::error::language::Language;
use crate::error::messages::{self, Values, fill, messages};
use crate::flow::check::{
    Checked, Holder, Identifier, Kind, Presented, Spoken, Status, Step, Usage, Verdict,
};

/// What a card came to, for its holder.
pub struct CheckPage<'a> {
    /// The language of the page.
    pub language: Language,
    /// What the card came to.
    pub checked: &'a Checked,
    /// What was negotiated, in the names of the IANA registries; nothing where it was with a proxy.
    pub tls: &'a [String],
    /// The moment.
    pub now: DateTime<Utc>,
    /// The issuer identifier: the style sheet is there, where no card is asked for.
    pub issuer: &'a str,
    /// Where another certificate can be chosen.
    pub next: &'a str,
    /// The same page in the other language.
    pub other_language: &'a str,
}

#[derive(Template)]
#[template(path = "check.html")]
struct CheckHtml<'a> {
    language: Language,
    words: &'static Words,
    said: &'static Said,
    other_language: Option<&'a str>,
    issuer: &'a str,
    title: &'a str,
    lead: String,
    /// Whether choosing another is what helps first.
    needs_another: bool,
    rows: Vec<Row>,
    next: &'a str,
    advice: Vec<String>,
    contact: String,
    reference: &'a str,
    technical: Vec<Row>,
    steps: &'a [Step],
}

struct Row {
    name: &'static str,
    value: String,
    /// Whether others wrote the value.
    is_foreign: bool,
}

/// Title, lead, advice and contact.
struct Told {
    title: &'static str,
    lead: String,
    advice: Vec<String>,
    contact: String,
}

impl CheckPage<'_> {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        let Self { language, checked, .. } = *self;
        let said = said(language);
        let told = told(checked.verdict, said, language);
        let presented = checked.presented.as_ref();
        html(&CheckHtml {
            language,
            words: words(language),
            said,
            other_language: Some(self.other_language),
            issuer: self.issuer,
            title: told.title,
            lead: told.lead,
            needs_another: needs_another(checked.verdict),
            rows: presented.map(|card| self.rows(card, said)).unwrap_or_default(),
            next: self.next,
            advice: told.advice,
            contact: told.contact,
            reference: &checked.reference,
            technical: self.technical(said),
            steps: &checked.steps,
        })
    }

    fn rows(&self, card: &Presented, said: &'static Said) -> Vec<Row> {
        let mut rows = vec![
            own(said.certificate, kind(card, self.checked.verdict, said)),
            foreign(said.issuer, &card.issuer),
            own(said.validity, self.validity(card, said)),
            own(said.usage, usage(card, said)),
            identifier(&card.identifier, said),
            own(said.level, level(card.loa, said).to_owned()),
            own(said.revocation, self.revocation(said)),
        ];
        let user = match self.checked.verdict {
            Verdict::Good(Holder::User) => said.yes,
            Verdict::Good(Holder::NotAUser) => said.no,
            Verdict::Good(Holder::Unknown) => said.user_unknown,
            Verdict::NoCertificate | Verdict::Rejected { .. } | Verdict::Busy => said.not_looked_up,
        };
        rows.push(own(said.user, user.to_owned()));
        rows
    }

    fn validity(&self, card: &Presented, said: &Said) -> String {
        let (from, until) = (card.not_before.date_naive(), card.not_after.date_naive());
        let also = if self.now > card.not_after {
            said.expired
        } else if self.now < card.not_before {
            said.not_yet_valid
        } else {
            ""
        };
        format!("{from} – {until}{also}")
    }

    /// The worst of what was said of the certificate and of the CAs above it.
    fn revocation(&self, said: &Said) -> String {
        let worst = self.checked.revocation.iter().rev().max_by_key(|spoken| spoken.status);
        worst.map_or_else(|| said.not_reached.to_owned(), |spoken| self.spoken(spoken, said))
    }

    /// In words: what, by whom, how old.
    fn spoken(&self, spoken: &Spoken, said: &Said) -> String {
        let status = match spoken.status {
            Status::NotAsked => said.not_asked.to_owned(),
            Status::Good => said.not_revoked.to_owned(),
            Status::WithinGrace => said.within_grace.to_owned(),
            Status::Undetermined => said.undetermined.to_owned(),
            Status::Revoked(None) => said.revoked.to_owned(),
            Status::Revoked(Some(since)) => format!("{} {}", said.revoked, since.date_naive()),
        };
        let source = spoken.source.map(|source| match source {
            "crl" => said.by_crl,
            _ => said.by_ocsp,
        });
        match (source, spoken.as_of) {
            (Some(source), Some(as_of)) => {
                format!("{status} ({source}, {})", age(self.now - as_of, said))
            }
            (Some(source), None) => format!("{status} ({source})"),
            (None, _) => status,
        }
    }

    fn technical(&self, said: &'static Said) -> Vec<Row> {
        let mut rows = vec![own(said.time, self.now.format("%Y-%m-%d %H:%M:%S UTC").to_string())];
        if let Verdict::Rejected { code, cause } = self.checked.verdict {
            rows.push(own(said.cause, format!("{} ({cause})", code.name())));
        }
        rows.push(match self.tls {
            [] => own("TLS", said.by_proxy.to_owned()),
            negotiated => foreign("TLS", &negotiated.join(", ")),
        });
        for (at, spoken) in self.checked.revocation.iter().enumerate() {
            let name = if at == 0 { said.of_card } else { said.of_authority };
            let as_of = spoken.as_of.map(|as_of| as_of.format(", %Y-%m-%d %H:%M UTC").to_string());
            let text = self.spoken(spoken, said) + &as_of.unwrap_or_default();
            rows.push(own(name, text));
        }
        if let Some(card) = &self.checked.presented {
            let listed = |names: &[String]| match names {
                [] => said.none.to_owned(),
                names => names.join(", "),
            };
            rows.extend([
                foreign(said.key, &card.key),
                foreign(said.signature, &card.signature_algorithm),
                foreign(said.policies, &listed(&card.policies)),
                foreign(said.purposes, &listed(&card.purposes)),
                foreign(said.serial, &card.serial),
            ]);
        }
        rows
    }
}

fn told(verdict: Verdict, said: &'static Said, language: Language) -> Told {
    let own = |(title, lead): (&'static str, &str), advice: &[&str]| Told {
        title,
        lead: lead.to_owned(),
        advice: advice.iter().map(|step| (*step).to_owned()).collect(),
        contact: said.service_desk.to_owned(),
    };
    match verdict {
        Verdict::Good(Holder::User) => own(said.good, said.good_advice),
        Verdict::Good(Holder::Unknown) => own(said.good_unknown, said.good_unknown_advice),
        Verdict::Good(Holder::NotAUser) => {
            let of_code = of_code(Code::UserUnknown, language);
            let (title, lead) = said.not_a_user;
            Told { title, lead: lead.to_owned(), ..of_code }
        }
        Verdict::NoCertificate => {
            let of_code = of_code(Code::CertificateMissing, language);
            Told { lead: said.no_certificate.to_owned(), ..of_code }
        }
        Verdict::Rejected { code, .. } => of_code(code, language),
        Verdict::Busy => of_code(Code::Busy, language),
    }
}

/// Whether another attempt at once can help: not with a card that is good, nor a revoked one.
const fn needs_another(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Good(_) => false,
        Verdict::NoCertificate => Code::CertificateMissing.again(),
        Verdict::Rejected { code, .. } => code.again(),
        Verdict::Busy => Code::Busy.again(),
    }
}

/// What pages say of a code, where it happened without a system.
fn of_code(code: Code, language: Language) -> Told {
    let found = messages(code, language);
    let system = messages::unnamed_system(language);
    let values = Values { submitted_value: "", system };
    Told {
        title: &found.title,
        lead: fill(&found.page, &values),
        advice: found.advice.iter().map(|step| fill(step, &values)).collect(),
        contact: fill(&found.contact_name, &values),
    }
}

/// How old a word is, in the largest unit that fits.
fn age(age: chrono::TimeDelta, said: &Said) -> String {
    let (minutes, hours, days) = (age.num_minutes(), age.num_hours(), age.num_days());
    let (number, unit) = match (days, hours) {
        (2.., _) => (days, said.days_old),
        (_, 2..) => (hours, said.hours_old),
        _ if minutes < 1 => return said.fresh.to_owned(),
        _ => (minutes, said.minutes_old),
    };
    format!("{number} {unit}")
}

fn own(name: &'static str, value: String) -> Row {
    Row { name, value, is_foreign: false }
}

fn foreign(name: &'static str, value: &str) -> Row {
    Row { name, value: shortened(value), is_foreign: true }
}

/// What was chosen; that it was right to, only of a card that is accepted.
fn kind(card: &Presented, verdict: Verdict, said: &Said) -> String {
    let is_good = matches!(verdict, Verdict::Good(_));
    let kind = match (card.kind, card.usage) {
        (Some(Kind::HsaId), Usage::Signing) => said.for_signing,
        (Some(Kind::HsaId), _) => match (card.loa, is_good) {
            (Some("loa2"), true) => said.right_reserve_hsa_id,
            (Some("loa2"), false) => said.reserve_hsa_id,
            (_, true) => said.right_hsa_id,
            (_, false) => said.hsa_id_kind,
        },
        (Some(Kind::PersonId), _) => said.person_id,
        (Some(Kind::Mobile), _) => said.mobile,
        (Some(Kind::Function), _) => said.function,
        (None, _) => said.unknown_kind,
    };
    kind.to_owned()
}

fn usage(card: &Presented, said: &Said) -> String {
    let usage = match card.usage {
        Usage::Identification => said.identification,
        Usage::Signing => said.signing,
        Usage::Other => said.other_usage,
    };
    if card.key_usage.is_empty() {
        return usage.to_owned();
    }
    format!("{usage} ({})", card.key_usage.join(", "))
}

fn identifier(identifier: &Identifier, said: &'static Said) -> Row {
    match identifier {
        Identifier::HsaId(text) => foreign(said.hsa_id, text),
        Identifier::PersonalNumber => own(said.hsa_id, said.personal_number.to_owned()),
        Identifier::Other => own(said.hsa_id, said.other_identifier.to_owned()),
        Identifier::Missing => own(said.hsa_id, said.no_identifier.to_owned()),
    }
}

fn level(loa: Option<&str>, said: &Said) -> &'static str {
    match loa {
        Some("loa3") => said.level_3,
        Some("loa2") => said.level_2,
        _ => said.no_level,
    }
}

#[cfg(test)]
mod tests;

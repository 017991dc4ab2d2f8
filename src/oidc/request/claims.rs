//! The `claims` parameter (OpenID Connect Core 1.0 §5.5).
//!
//! Which claims exist, and which of them a client may be told, is not decided here: names are kept as they
//! are. Must never keep more than is read: it travels with the login.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::RequestFault;
use crate::oidc::params::Params;
use crate::oidc::terms::{ClaimDemand, ClaimsRequest};

/// The longest that is read, in bytes.
const MAX_LENGTH: usize = 4 * 1024;

/// Reads `claims`. Members that are not understood are ignored (§5.5, §5.5.1).
pub(super) fn claims(params: &Params) -> Result<ClaimsRequest, RequestFault> {
    let Some(text) = params.get("claims")? else { return Ok(ClaimsRequest::default()) };
    if text.len() > MAX_LENGTH {
        return Err(RequestFault::ClaimsTooLong);
    }
    let members: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| RequestFault::ClaimsMalformed)?;
    Ok(ClaimsRequest {
        userinfo: demands(members.get("userinfo"))?,
        id_token: demands(members.get("id_token"))?,
    })
}

fn demands(member: Option<&Value>) -> Result<BTreeMap<String, ClaimDemand>, RequestFault> {
    match member {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(claims)) => {
            claims.iter().map(|(name, asked)| Ok((name.clone(), demand(asked)?))).collect()
        }
        Some(_) => Err(RequestFault::ClaimsMalformed),
    }
}

// §5.5.1: null, or an object. A list of no values would be a demand that nothing meets.
fn demand(asked: &Value) -> Result<ClaimDemand, RequestFault> {
    let members = match asked {
        Value::Null => return Ok(ClaimDemand::default()),
        Value::Object(members) => members,
        _ => return Err(RequestFault::ClaimsMalformed),
    };
    let essential = match members.get("essential") {
        None => false,
        Some(Value::Bool(essential)) => *essential,
        Some(_) => return Err(RequestFault::ClaimsMalformed),
    };
    let values = match members.get("values") {
        None => &[][..],
        Some(Value::Array(values)) if !values.is_empty() => values,
        Some(_) => return Err(RequestFault::ClaimsMalformed),
    };
    let values = members.get("value").into_iter().chain(values).cloned().collect();
    Ok(ClaimDemand { essential, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> Result<ClaimsRequest, RequestFault> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("claims", &value.to_string());
        claims(&Params::parse(&query.finish()).unwrap())
    }

    #[test]
    fn claims_are_asked_for_by_null_or_with_demands() {
        let read = read(&json!({
            "userinfo": { "given_name": { "essential": true }, "nickname": null, "x": { "y": 1 } },
            "id_token": { "acr": { "values": ["a", "b"] }, "sub": { "value": "1" } },
            "unknown": 1,
        }))
        .unwrap();
        assert!(read.userinfo["given_name"].essential);
        assert_eq!(read.userinfo["nickname"], ClaimDemand::default());
        assert_eq!(read.userinfo["x"], ClaimDemand::default());
        assert_eq!(read.id_token["acr"].values, [json!("a"), json!("b")]);
        assert!(read.id_token["sub"].takes(&json!("1")) && !read.id_token["sub"].takes(&json!(1)));
    }

    #[test]
    fn another_shape_is_refused() {
        for bad in [
            json!([]),
            json!("userinfo"),
            json!({ "userinfo": [] }),
            json!({ "id_token": "acr" }),
            json!({ "id_token": { "acr": "loa3" } }),
            json!({ "id_token": { "acr": true } }),
            json!({ "id_token": { "acr": [] } }),
            json!({ "id_token": { "acr": { "essential": "true" } } }),
            json!({ "id_token": { "acr": { "values": "loa3" } } }),
            json!({ "id_token": { "acr": { "values": [] } } }),
        ] {
            assert_eq!(read(&bad), Err(RequestFault::ClaimsMalformed), "{bad}");
        }
        for bad in ["{", "{}{}", "%7B%22userinfo%22:NaN%7D", "%5B".repeat(1000).as_str()] {
            let params = Params::parse(&format!("claims={bad}")).unwrap();
            assert_eq!(claims(&params), Err(RequestFault::ClaimsMalformed), "{bad}");
        }
    }

    #[test]
    fn what_is_kept_is_no_longer_than_what_was_sent() {
        let asked: Map<String, Value> = (0..180).map(|n| (n.to_string(), Value::Null)).collect();
        let sent = json!({ "userinfo": asked });
        let kept = serde_json::to_string(&read(&sent).unwrap()).unwrap();
        assert!(kept.len() <= sent.to_string().len(), "{}", kept.len());
        let asked: Map<String, Value> = (0..400).map(|n| (n.to_string(), Value::Null)).collect();
        assert_eq!(read(&json!({ "userinfo": asked })), Err(RequestFault::ClaimsTooLong));
    }
}

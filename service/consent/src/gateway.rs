//! Messages as the national gateway sends them: ids and times in headers, documents in the wrappers of callbacks.
//!
//! Sources: the published interface of the consent manager, version 3 (`/api/hiecm/consent/v3/…`), and version 0.5
//! before it (`/v0.5/consent-requests/init`, `/v0.5/consents/hip/notify`).

use praman_store::named::named;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};
use uuid::Uuid;

use super::document::{self, ArtefactDocument, FieldFault, RequestDocument};

/// What a message has in its headers. The older form has it in the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayHeaders {
    /// `REQUEST-ID`.
    pub request_id: Option<String>,
    /// `TIMESTAMP`.
    pub timestamp: Option<String>,
    /// `X-HIU-ID`: the requester.
    pub requester: Option<String>,
}

named! {
    /// What a message is.
    MessageKind {
        /// A request for consent.
        Request = "request",
        /// A granted artefact, bare, in an `on-fetch` callback or in a notification to a provider.
        Artefact = "artefact",
        /// A notification of what a patient decided, with the artefacts' ids.
        Notification = "notification",
        /// That a consent has another state now, without its terms.
        Decision = "decision",
        /// The state of a request: `on-init` or `on-status`.
        Status = "status",
        /// A request for the state of a request, or for an artefact, by its id.
        Fetch = "fetch",
        /// The acknowledgement of a notification.
        Acknowledgement = "acknowledgement",
        /// A request for records under a consent, or what came of it.
        Transfer = "transfer",
        /// A notification of something else: a transfer's end, a care context, a subscription.
        Notice = "notice",
        /// A share of a profile.
        Share = "share",
        /// An error of the gateway.
        Error = "error",
    }
}

impl MessageKind {
    /// Returns what a message is; none for something else.
    pub fn of(message: &Value) -> Option<Self> {
        let at = |pointer: &str| message.pointer(pointer).is_some_and(|value| !value.is_null());
        let has = |pointer: &str| message.pointer(pointer).is_some();
        let is_empty = |pointer: &str| {
            message.pointer(pointer).is_some_and(|detail| {
                detail.is_null() || detail.as_object().is_some_and(serde_json::Map::is_empty)
            })
        };
        let is_artefact = |wrapper: &str| {
            let detail = format!("{wrapper}/consentDetail");
            has(&detail) && !is_empty(&detail)
        };
        // A state without terms: a request has a purpose, and an artefact has details.
        let is_decision =
            |wrapper: &str| at(&format!("{wrapper}/status")) && !at(&format!("{wrapper}/purpose"));
        let kinds = [
            (at("/hiRequest") || at("/keyMaterial"), Self::Transfer),
            (at("/notification/statusNotification"), Self::Notice),
            (at("/notification/careContext") || at("/notification/subscription"), Self::Notice),
            (at("/subscriptionRequest") || at("/subscription"), Self::Notice),
            (at("/profile"), Self::Share),
            (
                is_artefact("") || is_artefact("/consent") || is_artefact("/notification"),
                Self::Artefact,
            ),
            (at("/notification/consentId") && is_decision("/notification"), Self::Decision),
            (at("/notification"), Self::Notification),
            (at("/consentRequest"), Self::Status),
            (at("/acknowledgement"), Self::Acknowledgement),
            (is_decision("/consent") || is_decision(""), Self::Decision),
            (at("/consentArtefacts"), Self::Notification),
            (at("/consent"), Self::Request),
            (at("/consentId") || at("/consentRequestId"), Self::Fetch),
            (at("/error") || (at("/code") && at("/message")), Self::Error),
            (has("/acknowledgement") || at("/response") || at("/resp"), Self::Acknowledgement),
        ];
        kinds.into_iter().find_map(|(is_it, kind)| is_it.then_some(kind))
    }

    /// Returns what it is, in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Request => "a request for consent",
            Self::Artefact => "a consent artefact",
            Self::Notification => "a notification of what a patient decided",
            Self::Decision => "a notice of a consent's state, without its terms",
            Self::Status => "a callback with the state of a request",
            Self::Fetch => "a request for a state or an artefact by its id",
            Self::Acknowledgement => "an acknowledgement",
            Self::Transfer => "a request for records, or an answer to one",
            Self::Notice => "a notification that is not about a consent's terms",
            Self::Share => "a share of a profile or of records",
            Self::Error => "an error of the gateway",
        }
    }
}

/// Reads any JSON in which no field is given twice: two readers could take different ones.
fn read_value(text: &str) -> Result<Value, FieldFault> {
    document::read::<UniqueFields>(text).map(|read| read.0)
}

/// A JSON value, each of whose objects has each field once.
struct UniqueFields(Value);

impl<'de> Deserialize<'de> for UniqueFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Value;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut read = Vec::new();
                while let Some(UniqueFields(item)) = items.next_element()? {
                    read.push(item);
                }
                Ok(read.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
                let mut read = serde_json::Map::new();
                while let Some((name, UniqueFields(value))) = fields.next_entry::<String, _>()? {
                    if read.insert(name, value).is_some() {
                        return Err(A::Error::custom("a field is given twice"));
                    }
                }
                Ok(read.into())
            }
        }
        deserializer.deserialize_any(Fields).map(Self)
    }
}

/// Refuses a message of another kind by what it is.
fn require_kind(message: &Value, expected: MessageKind) -> Result<(), FieldFault> {
    match MessageKind::of(message) {
        Some(kind) if kind != expected => {
            let fault = format!("is {}, not {}", kind.title(), expected.title());
            Err(FieldFault::new("the document", fault))
        }
        // A document that lacks its main field is refused for that field.
        _ => Ok(()),
    }
}

/// Puts what a header says into a body that does not say it itself, in the place where the older form has it.
fn put_header(message: &mut Value, field: &str, header: Option<&String>) {
    if let Some(given) = header
        && message.get(field).is_none_or(Value::is_null)
    {
        message[field] = json!(given);
    }
}

/// Reads a request for consent, with its id and time from the body or from headers.
///
/// # Errors
/// [`FieldFault`] naming what is wrong: the field, or what the message is instead.
pub fn read_request(text: &str, headers: &GatewayHeaders) -> Result<RequestDocument, FieldFault> {
    let mut message = read_value(text)?;
    require_kind(&message, MessageKind::Request)?;
    if message.is_object() {
        put_header(&mut message, "requestId", headers.request_id.as_ref());
        put_header(&mut message, "timestamp", headers.timestamp.as_ref());
    }
    let request: RequestDocument = document::read(&message.to_string())?;
    // Other programs' tracing has a header of this name, too; its ids have other forms.
    let is_other = |id: &String| match (Uuid::try_parse(id), Uuid::try_parse(&request.request_id)) {
        (Ok(header), Ok(own)) => header != own,
        _ => false,
    };
    if headers.request_id.as_ref().is_some_and(is_other) {
        return Err(FieldFault::new("requestId", "differs from the header REQUEST-ID"));
    }
    if headers.requester.as_ref().is_some_and(|id| *id != request.consent.hiu.id) {
        return Err(FieldFault::new("consent.hiu.id", "differs from the header X-HIU-ID"));
    }
    Ok(request)
}

/// An artefact as it was received.
pub struct ReceivedArtefact {
    /// The artefact.
    pub document: ArtefactDocument,
    /// Whether it names its requester. The notification to a provider in the older form does not.
    pub names_requester: bool,
}

/// Reads an artefact, bare or in a callback's wrapper.
///
/// # Errors
/// [`FieldFault`] naming what is wrong: the field, or what the message is instead.
pub fn read_artefact(text: &str) -> Result<ReceivedArtefact, FieldFault> {
    /// In the place of a requester who is not named.
    const NOBODY: &str = "-";
    let mut message = read_value(text)?;
    require_kind(&message, MessageKind::Artefact)?;
    let wrappers = ["consent", "notification"]
        .into_iter()
        .filter(|wrapper| message.pointer(&format!("/{wrapper}/consentDetail")).is_some());
    let wrappers: Vec<&str> = wrappers.collect();
    // Two readers could take different ones.
    if wrappers.len() + usize::from(message.get("consentDetail").is_some()) > 1 {
        return Err(FieldFault::new("consentDetail", "is there twice, in different places"));
    }
    if let [wrapper] = wrappers[..] {
        message = message[wrapper].take();
    }
    let (around, within) = (message.get("consentId"), message.pointer("/consentDetail/consentId"));
    if around.is_some_and(|id| !id.is_null() && Some(id) != within) {
        return Err(FieldFault::new("consentId", "differs from the one in consentDetail"));
    }
    let mut names_requester = true;
    if let Some(detail) = message.get_mut("consentDetail").filter(|detail| detail.is_object())
        && detail.get("hiu").is_none_or(Value::is_null)
    {
        detail["hiu"] = json!({ "id": NOBODY });
        names_requester = false;
    }
    let document = document::read(&message.to_string())?;
    Ok(ReceivedArtefact { document, names_requester })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail() -> Value {
        json!({
            "schemaVersion": "v3", "consentId": "15675f69-a202-49e4-b93c-c547da127080",
            "createdAt": "2026-04-14T09:31:15.883786689",
            "consentManager": { "id": "sbx" },
            "purpose": { "text": "Care Management", "code": "CAREMGT", "refUri": "www.abdm.gov.in" },
            "patient": { "id": "rahima@sbx" }, "hip": { "id": "clinic_01", "name": "Clinic" },
            "hiu": { "id": "hospital_02", "type": "HIU" }, "requester": null,
            "careContexts": null, "hiTypes": ["Prescription"],
            "permission": {
                "accessMode": "VIEW",
                "dateRange": { "from": "2024-01-01T00:00:00.000Z", "to": "2025-01-01T00:00:00.000Z" },
                "dataEraseAt": "2099-01-01T00:00:00.000Z",
                "frequency": { "unit": "HOUR", "value": 1, "repeats": 0 }
            }
        })
    }

    fn request() -> Value {
        let mut consent = detail();
        for field in ["schemaVersion", "consentId", "createdAt", "consentManager"] {
            consent.as_object_mut().expect("fields").remove(field);
        }
        consent["hip"] = Value::Null;
        json!({ "consent": consent })
    }

    fn headers(id: Option<&str>, requester: Option<&str>) -> GatewayHeaders {
        GatewayHeaders {
            request_id: id.map(str::to_owned),
            timestamp: Some("2026-10-06T15:10:00.587Z".to_owned()),
            requester: requester.map(str::to_owned),
        }
    }

    fn fault<T>(read: Result<T, FieldFault>) -> String {
        read.map(|_| ()).expect_err("refused").to_string()
    }

    #[test]
    fn request_has_its_id_and_time_in_headers_or_in_its_body() {
        const ID: &str = "18235d89-cb13-479d-ad71-7a57d5f669a8";
        let text = request().to_string();
        let given = headers(Some(ID), Some("hospital_02"));
        let read = read_request(&text, &given).map_err(|fault| fault.to_string()).expect("read");
        assert_eq!((read.request_id.as_str(), read.consent.hip.is_none()), (ID, true));
        assert_eq!(read.timestamp, "2026-10-06T15:10:00.587Z");
        let mut own = request();
        own["requestId"] = json!(ID);
        own["timestamp"] = json!("2026-10-06T15:09:00Z");
        let read = read_request(&own.to_string(), &given).map_err(|fault| fault.to_string());
        assert_eq!(read.expect("the same").timestamp, "2026-10-06T15:09:00Z");
        let traced = headers(Some("|abc.1."), None);
        assert!(read_request(&own.to_string(), &traced).is_ok(), "another program's header");
        // A field that is given twice could be read in two ways.
        let twice =
            own.to_string().replacen("\"hiTypes\":", "\"hiTypes\":[\"Invoice\"],\"hiTypes\":", 1);
        assert!(read_request(&twice, &given).is_err());
        let read = read_request(&own.to_string(), &GatewayHeaders::default());
        assert!(read.is_ok_and(|read| read.timestamp == "2026-10-06T15:09:00Z"));

        let other = headers(Some("00000000-0000-4000-8000-000000000000"), None);
        assert_eq!(
            fault(read_request(&own.to_string(), &other)),
            "requestId: differs from the header REQUEST-ID"
        );
        let another = headers(Some(ID), Some("hospital_03"));
        assert!(fault(read_request(&text, &another)).contains("X-HIU-ID"));
        let none = fault(read_request(&text, &GatewayHeaders::default()));
        assert!(none.contains("requestId is missing"), "{none}");
        assert!(read_request("[]", &given).is_err(), "no object");
    }

    /// The forms of messages that the gateway and its members publish, each told from a request.
    #[test]
    fn message_is_known_by_what_is_in_it() {
        use MessageKind::*;
        let id = "15675f69-a202-49e4-b93c-c547da127080";
        for (message, kind) in [
            (json!({ "status": "REVOKED", "consentId": id }), Decision),
            (json!({ "notification": { "status": "REVOKED", "consentId": id } }), Decision),
            (
                json!({ "notification": { "status": "REVOKED", "consentId": id, "consentDetail": {} } }),
                Decision,
            ),
            (
                json!({ "consent": { "status": "REVOKED", "consentDetail": null, "signature": null } }),
                Decision,
            ),
            (
                json!({ "notification": { "consentRequestId": id, "status": "GRANTED" } }),
                Notification,
            ),
            (json!({ "consentId": id }), Fetch),
            (json!({ "consentRequestId": id }), Fetch),
            (json!({ "consentRequest": { "id": id }, "response": { "requestId": id } }), Status),
            (json!({ "hiRequest": { "consent": { "id": id } } }), Transfer),
            (json!({ "hiRequest": { "transactionId": id }, "response": {} }), Transfer),
            (json!({ "notification": { "consentId": id, "statusNotification": {} } }), Notice),
            (json!({ "acknowledgement": { "status": "OK" }, "resp": {} }), Acknowledgement),
            (json!({ "acknowledgement": null, "response": { "requestId": id } }), Acknowledgement),
            (json!({ "consent": { "careContexts": [], "permission": {} }, "profile": {} }), Share),
            (json!({ "consentArtefacts": [{ "id": id }] }), Notification),
            (json!({ "code": 401, "message": "no token" }), Error),
            (json!({ "consent": { "purpose": {} } }), Request),
        ] {
            assert_eq!(MessageKind::of(&message), Some(kind), "{message}");
            if kind != Request {
                let refused = fault(read_request(&message.to_string(), &headers(Some(id), None)));
                assert!(refused.contains(kind.title()), "{refused}");
            }
        }
        // Two details could be read by two readers as two consents.
        let artefact = json!({ "status": "GRANTED", "consentDetail": detail(), "signature": "" });
        let mut both = artefact.clone();
        both["consent"] = artefact.clone();
        assert!(read_artefact(&both.to_string()).is_err());
        let mut other = artefact;
        other["consentId"] = json!("00000000-0000-4000-8000-000000000000");
        assert!(read_artefact(&other.to_string()).is_err());
    }

    #[test]
    fn artefact_is_found_bare_and_in_each_wrapper() {
        let artefact =
            json!({ "status": "GRANTED", "consentDetail": detail(), "signature": "e8n=" });
        let mut notified = artefact.clone();
        notified["consentId"] = json!("15675f69-a202-49e4-b93c-c547da127080");
        notified["grantAcknowledgement"] = json!(false);
        let mut unnamed = notified.clone();
        unnamed["consentDetail"].as_object_mut().expect("fields").remove("hiu");
        for (message, names_requester) in [
            (artefact.clone(), true),
            (json!({ "consent": artefact, "response": { "requestId": "r" }, "error": null }), true),
            (json!({ "notification": notified }), true),
            (
                json!({ "requestId": "r", "timestamp": "2026-04-14T09:31:15.883786689",
                     "notification": unnamed }),
                false,
            ),
        ] {
            let read = read_artefact(&message.to_string()).map_err(|fault| fault.to_string());
            let read = read.expect("an artefact");
            assert_eq!(read.names_requester, names_requester, "{message}");
            assert_eq!(read.document.status, "GRANTED");
            // The end of an artefact of another consent manager is the time at which all must be erased.
            assert_eq!(read.document.consent_detail.valid_until, None);
        }
    }

    #[test]
    fn callback_in_the_place_of_a_request_is_refused_by_what_it_is() {
        let none = GatewayHeaders::default();
        let artefact =
            json!({ "status": "GRANTED", "consentDetail": detail(), "signature": "e8n=" });
        for (message, words) in [
            (json!({ "consent": artefact }), "is a consent artefact"),
            (json!({ "notification": artefact }), "is a consent artefact"),
            (
                json!({ "notification": { "consentRequestId": "r", "status": "DENIED",
                                          "consentArtefacts": [] } }),
                "is a notification of what a patient decided",
            ),
            (json!({ "consentRequest": { "id": "r" }, "error": null }), "the state of a request"),
            (json!({ "acknowledgement": { "status": "OK" } }), "is an acknowledgement"),
            (json!({ "error": { "code": "ABDM-1001", "message": "m" } }), "is an error"),
        ] {
            let told = fault(read_request(&message.to_string(), &none));
            assert!(told.contains(words) && told.contains("not a request"), "{told}");
        }
        let told = fault(read_artefact(&request().to_string()));
        assert_eq!(told, "the document: is a request for consent, not a consent artefact");
        assert!(fault(read_artefact("{}")).contains("status is missing"));
    }
}

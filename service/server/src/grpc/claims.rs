//! Claims over gRPC.

use futures_util::StreamExt;
use praman_claims::{ClaimId, ClaimReceipt, ClaimState, Origin};
use praman_grievance::Advice;
use praman_language::Language;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::elements::{read_32, read_claim, write_element};
use super::{Answers, Api, answers, v1};
use crate::application::{Fault, seconds};

/// Returns the language that a request's metadata names, else English.
fn language_of(metadata: &MetadataMap) -> Language {
    let accepted = metadata.get("accept-language").and_then(|value| value.to_str().ok());
    accepted.and_then(Language::accepted).unwrap_or(Language::English)
}

impl v1::Receipt {
    fn of(receipt: ClaimReceipt, language: Language) -> Self {
        let advice = receipt.advice(language);
        let (code, sentence, bring, appeal_by) = advice.map_or_else(Default::default, |advice| {
            let Advice { code, sentence, bring, appeal_by } = advice;
            (code.to_owned(), sentence, bring, appeal_by.to_string())
        });
        let state = match receipt.state {
            ClaimState::Received => v1::ClaimState::Received,
            ClaimState::Verified => v1::ClaimState::Verified,
            ClaimState::Submitted => v1::ClaimState::Submitted,
            ClaimState::Accepted => v1::ClaimState::Accepted,
            ClaimState::Refused => v1::ClaimState::Refused,
            ClaimState::Ordered => v1::ClaimState::Ordered,
            ClaimState::Paid => v1::ClaimState::Paid,
            ClaimState::Returned => v1::ClaimState::Returned,
        };
        Self {
            id: receipt.id.column(),
            nullifier: write_element(receipt.nullifier.to_field()),
            state: state.into(),
            reason: receipt.reason.map(|reason| reason.name().to_owned()).unwrap_or_default(),
            message: receipt.reason.map(|reason| reason.sentence().to_owned()).unwrap_or_default(),
            block: receipt.block,
            received_at: receipt.received_at,
            code,
            sentence,
            bring,
            appeal_by,
        }
    }
}

fn read_id(bytes: &[u8]) -> Result<ClaimId, Fault> {
    read_32(bytes, "id")?;
    ClaimId::from_column(bytes).ok_or_else(|| Fault::malformed("id must have 32 bytes"))
}

#[tonic::async_trait]
impl v1::claims_server::Claims for Api {
    async fn submit(
        &self,
        request: Request<v1::SubmitRequest>,
    ) -> Result<Response<v1::Receipt>, Status> {
        let language = language_of(request.metadata());
        let origin = request.extensions().get().copied().unwrap_or(Origin::Trusted);
        self.0.require_room_for_claim(origin)?;
        let request = request.into_inner();
        let claim = request.claim.ok_or_else(|| Fault::malformed("claim is missing"))?;
        let claim = read_claim(claim)?;
        let key = Some(request.idempotency_key.as_str()).filter(|key| !key.is_empty());
        let district = Some(request.district.as_str()).filter(|district| !district.is_empty());
        let wait = seconds(request.wait_seconds);
        let receipt = self.0.submit((claim, origin), key, district, wait).await?;
        Ok(Response::new(v1::Receipt::of(receipt, language)))
    }

    async fn status(
        &self,
        request: Request<v1::StatusRequest>,
    ) -> Result<Response<v1::Receipt>, Status> {
        let language = language_of(request.metadata());
        let request = request.into_inner();
        let id = read_id(&request.id)?;
        let receipt = self.0.claim(id, seconds(request.wait_seconds)).await?;
        Ok(Response::new(v1::Receipt::of(receipt, language)))
    }

    type WatchStream = Answers<v1::Receipt>;

    async fn watch(
        &self,
        request: Request<v1::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let language = language_of(request.metadata());
        let told = self.0.watch_claim(read_id(&request.get_ref().id)?)?;
        let told = told.map(move |told| told.map(|told| v1::Receipt::of(told, language)));
        Ok(Response::new(answers(told)))
    }
}

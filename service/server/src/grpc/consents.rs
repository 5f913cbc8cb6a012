//! Consents and the release gate over gRPC.

use futures_util::stream;
use praman_circuits::access::AccessNullifier;
use praman_circuits::artefact::{ConsentsRoot, Minute};
use praman_circuits::health_record::{HandleBlinding, RecordCommitment, RecordsRoot};
use praman_consent::access::AccessRequest;
use praman_consent::gateway::GatewayHeaders;
use praman_consent::{mode_code, mode_of, purpose_code, purpose_of, type_code, type_of};
use praman_ledger::{ManagerNumber, ProviderId, RequesterNumber};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::elements::{read_element, read_proof, write_element};
use super::{Answers, Api, caller, v1};
use crate::application::Fault;

/// Writes a request for an access as a message.
pub(super) fn write_access(request: &AccessRequest) -> v1::AccessRequest {
    v1::AccessRequest {
        request_id: request.request_id.as_bytes().to_vec(),
        provider: request.provider.0,
        requester: request.requester.0,
        purpose: purpose_code(request.purpose).to_owned(),
        record_type: type_code(request.record_type).to_owned(),
        access_mode: mode_code(request.mode).to_owned(),
        manager: request.manager.0,
        as_of: request.as_of.0,
        records_root: write_element(request.records.to_field()),
        consents_root: write_element(request.consents.to_field()),
        record: write_element(request.record.to_field()),
        handle_blinding: write_element(request.blinding.expose()),
        nullifier: write_element(request.nullifier.to_field()),
        proof: request.proof.to_words().as_flattened().to_vec(),
    }
}

pub(super) fn read_access(message: &v1::AccessRequest) -> Result<AccessRequest, Fault> {
    let id: [u8; 16] = message
        .request_id
        .as_slice()
        .try_into()
        .map_err(|_| Fault::malformed("request_id must have 16 bytes"))?;
    let purpose = purpose_of(&message.purpose)
        .ok_or_else(|| Fault::malformed("purpose is not a code of a purpose"))?;
    let record_type = type_of(&message.record_type)
        .ok_or_else(|| Fault::malformed("record_type is not one of the eight types"))?;
    let mode = mode_of(&message.access_mode)
        .ok_or_else(|| Fault::malformed("access_mode must be VIEW, STORE, QUERY or STREAM"))?;
    Ok(AccessRequest {
        request_id: Uuid::from_bytes(id),
        provider: ProviderId(message.provider),
        manager: ManagerNumber(message.manager),
        requester: RequesterNumber(message.requester),
        purpose,
        record_type,
        mode,
        as_of: Minute(message.as_of),
        records: RecordsRoot::from_field(read_element(&message.records_root, "records_root")?),
        consents: ConsentsRoot::from_field(read_element(&message.consents_root, "consents_root")?),
        record: RecordCommitment::from_field(read_element(&message.record, "record")?),
        blinding: HandleBlinding::from_field(read_element(
            &message.handle_blinding,
            "handle_blinding",
        )?),
        nullifier: AccessNullifier::from_field(read_element(&message.nullifier, "nullifier")?),
        proof: read_proof(&message.proof)?,
    })
}

#[tonic::async_trait]
impl v1::consents_server::Consents for Api {
    async fn release(
        &self,
        request: Request<v1::AccessRequest>,
    ) -> Result<Response<v1::Released>, Status> {
        let caller = caller(&request)?;
        let release = self.0.release(&caller, read_access(request.get_ref())?).await?;
        Ok(Response::new(v1::Released {
            record: write_element(release.record.to_field()),
            requester: release.requester.0,
            access_mode: mode_code(release.mode).to_owned(),
            block: release.block,
            repeated: release.repeated,
        }))
    }

    async fn ask(
        &self,
        request: Request<v1::ConsentRequest>,
    ) -> Result<Response<v1::ConsentRequested>, Status> {
        let caller = caller(&request)?;
        let received = self
            .0
            .ask_for_consent(&caller, &request.get_ref().document, &GatewayHeaders::default())
            .await?;
        Ok(Response::new(v1::ConsentRequested {
            request_id: received.id,
            state: received.state.name().to_owned(),
            repeated: received.repeated,
            unknown_types: received.unknown_types,
        }))
    }

    type AccessesStream = Answers<v1::RecordedAccess>;

    async fn accesses(
        &self,
        request: Request<v1::AccessesRequest>,
    ) -> Result<Response<Self::AccessesStream>, Status> {
        let v1::AccessesRequest { provider, from_block } = *request.get_ref();
        let trail = self.0.trail(ProviderId(provider), from_block).await?;
        let entries = trail.into_iter().map(|entry| {
            Ok(v1::RecordedAccess {
                nullifier: write_element(entry.nullifier.to_field()),
                requester: entry.requester.0,
                as_of: entry.as_of.0,
                digest: entry.digest.to_vec(),
                block: entry.block,
            })
        });
        Ok(Response::new(Box::pin(stream::iter(entries.collect::<Vec<_>>()))))
    }
}

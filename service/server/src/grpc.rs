//! The service over gRPC: `praman.v1`, as `service/server/proto/` describes it.
//!
//! Reflection and the standard health service are there too, so that `grpcurl` and orchestrators need no
//! description. Pages speak gRPC-Web, binary or as text.

mod claims;
mod consents;
mod elements;
mod issuing;
mod proving;
mod public;
mod status;

/// The types of the description.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)] // generated
pub mod v1 {
    tonic::include_proto!("praman.v1");
}

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use praman_access::Caller;
use praman_consent::access::AccessRequest;
use praman_holder::claim::SubmittedClaim;
use tonic::service::Routes;
use v1::claims_server::ClaimsServer;
use v1::consents_server::ConsentsServer;
use v1::issuing_server::IssuingServer;
use v1::proving_server::ProvingServer;
use v1::schemes_server::SchemesServer;
use v1::snapshots_server::SnapshotsServer;
use v1::verification_server::VerificationServer;

use crate::application::{Application, Fault};

pub(crate) const DESCRIPTION: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/praman.v1.bin"));

/// Bytes of a message: a sealed request has 12,000; public inputs and a proof 4,000; a register is sent
/// in many.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Writes a claim as a message.
pub fn claim_message(claim: &SubmittedClaim) -> v1::Claim {
    elements::write_claim(claim)
}

/// Reads the claim of a message.
///
/// # Errors
/// What is wrong with it.
pub fn read_claim_message(message: v1::Claim) -> Result<SubmittedClaim, String> {
    elements::read_claim(message).map_err(|fault| fault.message)
}

/// Writes a request to a gate as a message.
pub fn access_message(request: &AccessRequest) -> v1::AccessRequest {
    consents::write_access(request)
}

/// Reads the request to a gate of a message.
///
/// # Errors
/// What is wrong with it.
pub fn read_access_message(message: &v1::AccessRequest) -> Result<AccessRequest, String> {
    consents::read_access(message).map_err(|fault| fault.message)
}

/// What answers gRPC.
#[derive(Clone)]
struct Api(Arc<Application>);

/// Returns the caller, whom the guard has set for actions that not anyone may do.
fn caller<T>(request: &tonic::Request<T>) -> Result<Caller, tonic::Status> {
    let caller = request.extensions().get::<Caller>().cloned();
    caller.ok_or_else(|| tonic::Status::unauthenticated("no user is signed in"))
}

/// A stream of answers.
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, tonic::Status>> + Send>>;

fn answers<T, U>(told: impl Stream<Item = Result<T, Fault>> + Send + 'static) -> Answers<U>
where
    U: From<T> + 'static,
{
    Box::pin(told.map(|told| told.map(U::from).map_err(tonic::Status::from)))
}

/// Returns the routes over an application, and the health service.
pub(crate) async fn routes(application: Arc<Application>) -> axum::Router {
    let api = Api(application.clone());
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<ClaimsServer<Api>>().await;
    health.set_serving::<ProvingServer<Api>>().await;
    tokio::spawn(report_health(Arc::downgrade(&application), health));
    let described = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTION)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let reflection = described().build_v1().expect("the description describes itself");
    // Clients from before 2024 use this version.
    let earlier = described().build_v1alpha().expect("the description describes itself");
    Routes::new(ClaimsServer::new(api.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX))
        .add_service(ProvingServer::new(api.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX))
        .add_service(SchemesServer::new(api.clone()))
        .add_service(SnapshotsServer::new(api.clone()))
        .add_service(IssuingServer::new(api.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX))
        .add_service(ConsentsServer::new(api.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX))
        .add_service(VerificationServer::new(api).max_decoding_message_size(MESSAGE_BYTES_MAX))
        .add_service(health_service)
        .add_service(reflection)
        .add_service(earlier)
        .prepare()
        .into_axum_router()
}

/// Reports the same health of the claims as `/readyz`.
async fn report_health(
    application: std::sync::Weak<Application>,
    health: tonic_health::server::HealthReporter,
) {
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        let Some(application) = application.upgrade() else { return };
        match application.ready().await {
            Ok(()) => health.set_serving::<ClaimsServer<Api>>().await,
            Err(_) => health.set_not_serving::<ClaimsServer<Api>>().await,
        }
    }
}

//! Issuing and revoking over gRPC, for those who act for an office.

use futures_util::StreamExt;
use praman_issuing::{RegisterContent, RegisterId, RegisterUpload, UploadState};
use tonic::{Request, Response, Status, Streaming};

use super::elements::{read_32, write_element};
use super::{Answers, Api, answers, caller, v1};
use crate::application::{ActingOffice, Application, Fault, seconds};

impl From<RegisterUpload> for v1::Register {
    fn from(upload: RegisterUpload) -> Self {
        let state = match upload.state {
            UploadState::Waiting => v1::RegisterState::Waiting,
            UploadState::Issuing => v1::RegisterState::Issuing,
            UploadState::Issued => v1::RegisterState::Issued,
            UploadState::Failed => v1::RegisterState::Failed,
        };
        let outcome = upload.outcome.map(|outcome| v1::RegisterOutcome {
            rows: outcome.counts.rows as u64,
            accepted: outcome.counts.accepted as u64,
            rejected: outcome.counts.rejected as u64,
            duplicates: outcome.counts.duplicates as u64,
            issued: outcome.issued as u64,
            already_issued: outcome.already_issued as u64,
            repeated: outcome.repeated as u64,
            without_subject: outcome.without_subject as u64,
            enrolled: outcome.enrolled as u64,
            to_review: outcome.to_review as u64,
            refused: outcome.refused as u64,
            root: write_element(outcome.root.to_field()),
        });
        Self {
            id: upload.id.column(),
            office: upload.office.0,
            state: state.into(),
            reason: upload.reason.map(|reason| reason.name().to_owned()).unwrap_or_default(),
            message: upload.message.unwrap_or_default(),
            bytes: upload.bytes,
            checked_bytes: upload.checked_bytes,
            outcome,
            uploaded_at: upload.uploaded_at,
        }
    }
}

fn read_id(bytes: &[u8]) -> Result<RegisterId, Fault> {
    read_32(bytes, "id")?;
    RegisterId::from_column(bytes).ok_or_else(|| Fault::malformed("id must have 32 bytes"))
}

/// Returns the office that a request is about, if the caller acts for it.
async fn acting<T>(
    application: &Application,
    office: impl FnOnce(&T) -> u32,
    request: &Request<T>,
) -> Result<ActingOffice, Status> {
    let office = office(request.get_ref());
    Ok(application.acting_office(&caller(request)?, office).await?)
}

#[tonic::async_trait]
impl v1::issuing_server::Issuing for Api {
    async fn upload(
        &self,
        request: Request<Streaming<v1::UploadRequest>>,
    ) -> Result<Response<v1::Register>, Status> {
        use v1::upload_request::Part;
        let caller = caller(&request)?;
        let mut parts = request.into_inner();
        let first = parts.message().await?.and_then(|first| first.part);
        let Some(Part::Head(head)) = first else {
            return Err(Fault::malformed("the first part of an upload must be its head").into());
        };
        let acting = self.0.acting_office(&caller, head.office).await?;
        let mut uploading = acting.upload(head.makes_secrets).await?;
        while let Some(part) = parts.message().await? {
            let Some(Part::Csv(bytes)) = part.part else {
                return Err(Fault::malformed("an upload must have only one head").into());
            };
            uploading.push(&bytes).await.map_err(Fault::from)?;
        }
        let upload = uploading.finish().await.map_err(Fault::from)?;
        Ok(Response::new(upload.into()))
    }

    async fn list(
        &self,
        request: Request<v1::ListRegistersRequest>,
    ) -> Result<Response<v1::ListRegistersReply>, Status> {
        let acting = acting(&self.0, |asked| asked.office, &request).await?;
        let registers = acting.registers().await?.into_iter().map(v1::Register::from).collect();
        Ok(Response::new(v1::ListRegistersReply { registers }))
    }

    async fn status(
        &self,
        request: Request<v1::RegisterRequest>,
    ) -> Result<Response<v1::Register>, Status> {
        let acting = acting(&self.0, |asked| asked.office, &request).await?;
        let (id, wait) = (read_id(&request.get_ref().id)?, request.get_ref().wait_seconds);
        let upload = self.0.register(&acting, id, seconds(wait)).await?;
        Ok(Response::new(upload.into()))
    }

    type WatchStream = Answers<v1::Register>;

    async fn watch(
        &self,
        request: Request<v1::RegisterRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let acting = acting(&self.0, |asked| asked.office, &request).await?;
        let told = self.0.watch_register(acting, read_id(&request.get_ref().id)?)?;
        Ok(Response::new(answers(told)))
    }

    type DownloadStream = Answers<v1::DownloadPart>;

    async fn download(
        &self,
        request: Request<v1::DownloadRequest>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        let acting = acting(&self.0, |asked| asked.office, &request).await?;
        let id = read_id(&request.get_ref().id)?;
        let content = match request.get_ref().content() {
            v1::Content::Credentials => RegisterContent::Credentials,
            v1::Content::Wallets => RegisterContent::Wallets,
            v1::Content::Report => RegisterContent::Report,
            v1::Content::Unspecified => {
                return Err(Fault::malformed("content is missing: say what to download").into());
            }
        };
        let parts = acting.content(id, content).await?;
        let parts = parts.map(|part| {
            let bytes = part.map_err(|error| Status::from(Fault::from(error)))?;
            Ok(v1::DownloadPart { bytes: bytes.to_vec() })
        });
        Ok(Response::new(Box::pin(parts)))
    }

    async fn forget(
        &self,
        request: Request<v1::RegisterRequest>,
    ) -> Result<Response<v1::ForgetReply>, Status> {
        let acting = acting(&self.0, |asked| asked.office, &request).await?;
        acting.forget(read_id(&request.get_ref().id)?).await?;
        Ok(Response::new(v1::ForgetReply {}))
    }

    async fn revoke(
        &self,
        request: Request<v1::RevokeRequest>,
    ) -> Result<Response<v1::RevokeReply>, Status> {
        let acting = acting(&self.0, |asked| asked.office, &request).await?;
        let (revoked, root) = acting.revoke(&request.get_ref().register_nos).await?;
        let root = write_element(root.to_field());
        Ok(Response::new(v1::RevokeReply { revoked: revoked as u64, office_root: root }))
    }
}

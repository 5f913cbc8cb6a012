//! Faults as gRPC's statuses.

use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};

use crate::application::{Fault, FaultKind};

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        let code = match fault.kind {
            FaultKind::Malformed => Code::InvalidArgument,
            FaultKind::NotFound => Code::NotFound,
            FaultKind::WrongMethod => Code::Unimplemented,
            FaultKind::Refused => Code::FailedPrecondition,
            FaultKind::NotAuthorised => Code::Unauthenticated,
            FaultKind::Forbidden => Code::PermissionDenied,
            FaultKind::Conflict => Code::AlreadyExists,
            FaultKind::Busy => Code::ResourceExhausted,
            FaultKind::Unavailable => Code::Unavailable,
            FaultKind::TimedOut => Code::DeadlineExceeded,
        };
        let mut metadata = MetadataMap::new();
        metadata.insert("praman-code", MetadataValue::from_static(fault.code));
        if let Some(seconds) = fault.retry_after_s {
            metadata.insert("retry-after", MetadataValue::from(seconds));
        }
        Self::with_metadata(code, fault.message, metadata)
    }
}

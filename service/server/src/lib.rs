//! The service: HTTP, gRPC and the desk, over one application layer.
//!
//! [`application`] is what the service does, over any interface. [`http`], [`grpc`] and the desk read requests
//! and write answers; [`server`] has the one listener and its bounds.
//!
//! ```
//! // The interface over HTTP describes itself, by OpenAPI.
//! let described: serde_json::Value = serde_json::from_str(&praman_server::http::openapi())?;
//! assert!(described["paths"]["/v1/claims"]["post"].is_object());
//! # Ok::<(), serde_json::Error>(())
//! ```

pub mod application;
mod console;
pub mod grpc;
pub mod http;
pub mod metrics;
pub mod request_log;
pub mod server;
pub mod tls;

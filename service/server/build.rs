//! The gRPC service's types, from its description; no protoc is needed.

use std::error::Error;
use std::path::PathBuf;

const DESCRIPTION: &str = "proto/praman/v1/praman.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DESCRIPTION}");
    let out: PathBuf = std::env::var("OUT_DIR")?.into();
    let described = protox::compile([DESCRIPTION], ["proto"])?;
    let bytes = prost::Message::encode_to_vec(&described);
    std::fs::write(out.join("praman.v1.bin"), bytes)?;
    tonic_prost_build::configure().compile_fds(described)?;
    Ok(())
}

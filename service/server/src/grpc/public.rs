//! What anyone may know, over gRPC.

use futures_util::stream;
use praman_circuits::office::StateRoot;
use praman_claims::PublishedScheme;
use praman_ledger::snapshot::{LeafChange, OfficeChanges, SnapshotChanges};
use tonic::{Request, Response, Status};

use super::elements::{read_element, read_proof, write_element, write_elements};
use super::v1::changes_part::Part;
use super::{Answers, Api, v1};
use crate::application::{Fault, office_tree};

/// Leaves of a part: half a megabyte.
const PART_LEAVES: usize = 16_384;

/// Public inputs at most.
const PUBLIC_INPUTS_MAX: usize = 1_024;

fn write_scheme(published: &PublishedScheme, text: String) -> v1::Scheme {
    let scheme = &published.scheme;
    v1::Scheme {
        id: scheme.id.as_str().to_owned(),
        name: scheme.name.clone(),
        schema: scheme.schema.name.to_owned(),
        text,
    }
}

#[tonic::async_trait]
impl v1::schemes_server::Schemes for Api {
    async fn list(
        &self,
        _request: Request<v1::ListSchemesRequest>,
    ) -> Result<Response<v1::ListSchemesReply>, Status> {
        let without_text = |published| write_scheme(published, String::new());
        let schemes = self.0.schemes().iter().map(without_text).collect();
        Ok(Response::new(v1::ListSchemesReply { schemes }))
    }

    async fn get(
        &self,
        request: Request<v1::GetSchemeRequest>,
    ) -> Result<Response<v1::Scheme>, Status> {
        let published = self.0.scheme(&request.get_ref().id)?;
        Ok(Response::new(write_scheme(published, published.text.clone())))
    }
}

#[tonic::async_trait]
impl v1::snapshots_server::Snapshots for Api {
    async fn head(
        &self,
        _request: Request<v1::SnapshotHeadRequest>,
    ) -> Result<Response<v1::SnapshotHead>, Status> {
        let snapshot = self.0.snapshot().await?.snapshot;
        let offices = snapshot.offices.iter().map(|office| v1::Office {
            office: office.office.0,
            name: office.name.clone(),
            schema: office.schema.0,
            root: write_element(office.root.to_field()),
            live: office.live as u64,
            places: office.places() as u64,
        });
        Ok(Response::new(v1::SnapshotHead {
            root: write_element(snapshot.root.to_field()),
            as_of: snapshot.as_of.0,
            context: snapshot
                .context
                .map(|context| write_element(context.to_field()))
                .unwrap_or_default(),
            offices: offices.collect(),
        }))
    }

    async fn subtree(
        &self,
        request: Request<v1::SubtreeRequest>,
    ) -> Result<Response<v1::SubtreeReply>, Status> {
        let v1::SubtreeRequest { office, number } = *request.get_ref();
        let part = self.0.subtree(office, number).await?;
        let (leaves, upper) = part.elements().map_err(Fault::from)?;
        Ok(Response::new(v1::SubtreeReply {
            office_root: write_element(part.root.to_field()),
            leaves: write_elements(&leaves),
            upper_levels: upper.iter().map(|level| write_elements(level)).collect(),
        }))
    }

    type LeavesStream = Answers<v1::LeavesPart>;

    async fn leaves(
        &self,
        request: Request<v1::LeavesRequest>,
    ) -> Result<Response<Self::LeavesStream>, Status> {
        let snapshot = self.0.snapshot().await?.snapshot;
        let parts: Vec<_> = office_tree(&snapshot, request.get_ref().office)?
            .leaves()
            .chunks(PART_LEAVES)
            .enumerate()
            .map(|(part, leaves)| {
                let first = (part * PART_LEAVES) as u64;
                Ok(v1::LeavesPart { first, leaves: write_elements(leaves) })
            })
            .collect();
        Ok(Response::new(Box::pin(stream::iter(parts))))
    }

    type ChangesStream = Answers<v1::ChangesPart>;

    async fn changes(
        &self,
        request: Request<v1::ChangesRequest>,
    ) -> Result<Response<Self::ChangesStream>, Status> {
        let since = StateRoot::from_field(read_element(&request.get_ref().since, "since")?);
        let changes = self.0.snapshot_changes(since).await?;
        let mut parts = vec![v1::ChangesPart { part: Some(Part::Head(write_head(&changes))) }];
        for office in &changes.offices {
            for leaves in office.leaves.chunks(PART_LEAVES) {
                let values: Vec<_> = leaves
                    .iter()
                    .map(LeafChange::value)
                    .collect::<Result<_, _>>()
                    .map_err(Fault::from)?;
                let leaves = v1::ChangedLeaves {
                    office: office.office.0,
                    places: leaves.iter().map(|leaf| leaf.0 as u32).collect(),
                    leaves: write_elements(&values),
                };
                parts.push(v1::ChangesPart { part: Some(Part::Leaves(leaves)) });
            }
        }
        Ok(Response::new(Box::pin(stream::iter(parts.into_iter().map(Ok)))))
    }
}

fn write_head(changes: &SnapshotChanges) -> v1::SnapshotHead {
    let office = |office: &OfficeChanges| v1::Office {
        office: office.office.0,
        name: office.name.clone(),
        schema: office.schema.0,
        root: write_element(office.root.to_field()),
        live: office.live as u64,
        places: 0,
    };
    v1::SnapshotHead {
        root: write_element(changes.root.to_field()),
        as_of: changes.as_of.0,
        context: changes.context.map(|c| write_element(c.to_field())).unwrap_or_default(),
        offices: changes.offices.iter().map(office).collect(),
    }
}

#[tonic::async_trait]
impl v1::verification_server::Verification for Api {
    async fn verify(
        &self,
        request: Request<v1::VerifyRequest>,
    ) -> Result<Response<v1::VerifyReply>, Status> {
        let request = request.get_ref();
        if request.public_inputs.len() > PUBLIC_INPUTS_MAX {
            let reason = format!("give at most {PUBLIC_INPUTS_MAX} public inputs");
            return Err(Fault::malformed(reason).into());
        }
        let read = |bytes: &Vec<u8>| read_element(bytes, "public_inputs");
        let public: Vec<_> = request.public_inputs.iter().map(read).collect::<Result<_, _>>()?;
        let verdict = match read_proof(&request.proof) {
            Ok(proof) => self.0.verify(&public, &proof).await,
            Err(fault) => Err(fault.message),
        };
        let reason = verdict.as_ref().err().cloned().unwrap_or_default();
        Ok(Response::new(v1::VerifyReply { valid: verdict.is_ok(), reason }))
    }
}

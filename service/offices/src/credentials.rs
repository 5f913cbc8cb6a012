//! Makes credentials from applications, on all cores.

use ark_ff::UniformRand;
use praman_circuits::Fr;
use praman_circuits::credential::{Credential, CredentialSalt};
use praman_circuits::payee::PayeeSalt;
use praman_holder::wallet::CredentialFile;
use rand::rngs::OsRng;
use rayon::prelude::*;

use crate::application::{Application, Validity};
use crate::office_key::OfficeKey;

/// Makes a credential for each application and their files, with `first` as the first place in the
/// office's tree. On all cores.
pub fn make_credentials(
    key: &OfficeKey,
    applications: &[Application<'_>],
    validity: Validity,
    first: usize,
) -> (Vec<CredentialFile>, Vec<Fr>) {
    let public_key = key.public();
    applications
        .par_iter()
        .enumerate()
        .map(|(index, application)| {
            let holder = &application.holder;
            let payee_salt = PayeeSalt::from_field(Fr::rand(&mut OsRng));
            let payee = holder.payee();
            let credential = Credential {
                schema: holder.schema().id,
                subject: application.subject,
                issued_on: validity.issued_on,
                expires_on: validity.expires_on,
                claims_from: validity.first_period(application),
                salt: CredentialSalt::from_field(Fr::rand(&mut OsRng)),
                payee: payee.digest(&payee_salt),
                attributes: holder.attributes(),
            };
            let commitment = credential.commitment();
            let file = CredentialFile::new(
                holder.number(),
                key.office,
                first + index,
                &credential,
                payee,
                &payee_salt,
                &public_key,
                [&key.sign(commitment), &key.sign_payee(credential.payee)],
            );
            (file, commitment.to_field())
        })
        .unzip()
}

//! A master key in a PKCS#11 token: AES-256-GCM inside of it.
//!
//! Source: PKCS #11 2.40, section 2.12 (AES-GCM).

use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use praman_files::sealed::{Passphrase, fill_random};
use zeroize::Zeroizing;

use super::{TokenPlace, failed, other_key};
use crate::error::ServiceError;

const IV_BYTES: usize = 12;
const TAG_BITS: u64 = 128;

/// A key inside of a token.
pub(super) struct TokenKey {
    module: Pkcs11,
    place: TokenPlace,
    pin: AuthPin,
    /// A token serves one caller at a time; a failed session is opened again.
    session: Mutex<Option<(Session, ObjectHandle)>>,
    /// The same for the key for tags.
    tagging: Mutex<Option<(Session, ObjectHandle)>>,
}

fn whole_tag(tag: Vec<u8>) -> Result<[u8; 32], ServiceError> {
    tag.try_into().map_err(|_| failed("the token's keyed hash does not have 32 bytes"))
}

impl TokenKey {
    /// Makes the key in the token.
    pub(super) fn generate(place: &TokenPlace, pin: &Passphrase) -> Result<Self, ServiceError> {
        let token = Self::load(place, pin)?;
        let session = token.open_session(true)?;
        if token.find(&session)?.is_some() {
            let reason = format!("the token already has a key {:?}: give another label", place.key);
            return Err(ServiceError::WrongUse(reason));
        }
        let attributes = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            // It seals and opens data keys, and nothing else.
            Attribute::Wrap(false),
            Attribute::Unwrap(false),
            Attribute::Sign(false),
            Attribute::Verify(false),
            Attribute::Derive(false),
            Attribute::Modifiable(false),
            Attribute::ValueLen(32.into()),
            Attribute::Label(place.key.clone().into_bytes()),
        ];
        let key = session
            .generate_key(&Mechanism::AesKeyGen, &attributes)
            .map_err(|error| token.fault(&error))?;
        *token.session() = Some((session, key));
        Ok(token)
    }

    /// Finds the key in the token.
    pub(super) fn open(place: &TokenPlace, pin: &Passphrase) -> Result<Self, ServiceError> {
        let token = Self::load(place, pin)?;
        let opened = token.open_key()?;
        *token.session() = Some(opened);
        Ok(token)
    }

    fn load(place: &TokenPlace, pin: &Passphrase) -> Result<Self, ServiceError> {
        let at = |error: Error| failed(format!("{}: {error}", place.module.display()));
        let module = Pkcs11::new(&place.module).map_err(at)?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(at(error)),
        }
        let pin = AuthPin::new(pin.expose().into());
        let (session, tagging) = (Mutex::default(), Mutex::default());
        Ok(Self { module, place: place.clone(), pin, session, tagging })
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Option<(Session, ObjectHandle)>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the slot of the token with a label, or a serial number. If several have the label none is used: the
    /// wrong one counts each try of a PIN.
    fn slot(&self) -> Result<Slot, ServiceError> {
        let slots = self.module.get_slots_with_token().map_err(|error| self.fault(&error))?;
        let tokens = slots.into_iter().filter_map(|slot| {
            let info = self.module.get_token_info(slot).ok()?;
            let text = |text: &str| text.trim_end().to_owned();
            Some((slot, text(info.label()), text(info.serial_number())))
        });
        let wanted = &self.place.token;
        let fitting: Vec<_> =
            tokens.filter(|(_, label, serial)| label == wanted || serial == wanted).collect();
        match &fitting[..] {
            [] => Err(failed(format!("there is no token {wanted:?}: check that it is plugged in"))),
            [(slot, ..)] => Ok(*slot),
            several => {
                let serials: Vec<&str> =
                    several.iter().map(|(.., serial)| serial.as_str()).collect();
                Err(failed(format!(
                    "there are {} tokens {wanted:?}: give the serial number of the right one in place of the \
                     label: {}",
                    several.len(),
                    serials.join(", ")
                )))
            }
        }
    }

    fn open_session(&self, writes: bool) -> Result<Session, ServiceError> {
        let fault = |error: Error| self.fault(&error);
        let slot = self.slot()?;
        let session = match writes {
            true => self.module.open_rw_session(slot),
            false => self.module.open_ro_session(slot),
        };
        let session = session.map_err(fault)?;
        match session.login(UserType::User, Some(&self.pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange, _)) => {
                Err(ServiceError::Refused("the token's PIN is wrong".to_owned()))
            }
            Err(Error::Pkcs11(RvError::PinLocked, _)) => {
                Err(ServiceError::Refused("the token's PIN is locked".to_owned()))
            }
            Err(error) => Err(fault(error)),
        }
    }

    fn open_key(&self) -> Result<(Session, ObjectHandle), ServiceError> {
        let session = self.open_session(false)?;
        let key = self.find(&session)?.ok_or_else(|| {
            failed(format!("the token {:?} has no key {:?}", self.place.token, self.place.key))
        })?;
        Ok((session, key))
    }

    fn find(&self, session: &Session) -> Result<Option<ObjectHandle>, ServiceError> {
        let is_it = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Label(self.place.key.clone().into_bytes()),
        ];
        let found = session.find_objects(&is_it).map_err(|error| self.fault(&error))?;
        match found[..] {
            [] => Ok(None),
            [key] => Ok(Some(key)),
            _ => Err(failed(format!("the token has several keys {:?}", self.place.key))),
        }
    }

    /// Uses the key in the token; retries in a new session if it fails in an old one.
    fn with_key<T>(
        &self,
        act: impl Fn(&Session, ObjectHandle) -> Result<T, Error>,
    ) -> Result<T, ServiceError> {
        let mut held = self.session();
        if let Some((session, key)) = &*held {
            match act(session, *key) {
                Err(Error::Pkcs11(RvError::EncryptedDataInvalid, _)) => return Err(other_key()),
                Ok(done) => return Ok(done),
                Err(_) => *held = None,
            }
        }
        let (session, key) = &*held.insert(self.open_key()?);
        act(session, *key).map_err(|error| match error {
            Error::Pkcs11(RvError::EncryptedDataInvalid | RvError::GeneralError, _) => other_key(),
            error => self.fault(&error),
        })
    }

    pub(super) fn wrap(&self, key: &[u8; 32], purpose: &str) -> Result<Vec<u8>, ServiceError> {
        let mut iv = [0; IV_BYTES];
        fill_random(&mut iv);
        let wrapped = self.with_key(|session, master| {
            let mut iv = iv;
            let parameters = GcmParams::new(&mut iv, purpose.as_bytes(), TAG_BITS.into())?;
            session.encrypt(&Mechanism::AesGcm(parameters), master, key)
        })?;
        Ok([&iv[..], &wrapped].concat())
    }

    pub(super) fn unwrap(
        &self,
        wrapped: &[u8],
        purpose: &str,
    ) -> Result<Zeroizing<Vec<u8>>, ServiceError> {
        let (iv, wrapped) = wrapped.split_first_chunk::<IV_BYTES>().ok_or_else(other_key)?;
        let key = self.with_key(|session, master| {
            let mut iv = *iv;
            let parameters = GcmParams::new(&mut iv, purpose.as_bytes(), TAG_BITS.into())?;
            session.decrypt(&Mechanism::AesGcm(parameters), master, wrapped)
        })?;
        Ok(Zeroizing::new(key))
    }

    /// Returns a keyed hash that the token computes inside, with a second key that it never reveals either; the key
    /// is made when it is first needed.
    pub(super) fn tag(&self, message: &[u8]) -> Result<[u8; 32], ServiceError> {
        let mut held = self.tagging.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((session, key)) = &*held
            && let Ok(tag) = session.sign(&Mechanism::Sha256Hmac, *key, message)
        {
            return whole_tag(tag);
        }
        let (session, key) = &*held.insert(self.open_tagging_key()?);
        let tag = session.sign(&Mechanism::Sha256Hmac, *key, message);
        whole_tag(tag.map_err(|error| self.fault(&error))?)
    }

    fn open_tagging_key(&self) -> Result<(Session, ObjectHandle), ServiceError> {
        let label = format!("{} person tags", self.place.key).into_bytes();
        let session = self.open_session(true)?;
        let is_it = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(label.clone())];
        let found = session.find_objects(&is_it).map_err(|error| self.fault(&error))?;
        let key = match found[..] {
            [key] => key,
            [] => {
                let attributes = [
                    Attribute::Class(ObjectClass::SECRET_KEY),
                    Attribute::KeyType(KeyType::GENERIC_SECRET),
                    Attribute::Token(true),
                    Attribute::Private(true),
                    Attribute::Sensitive(true),
                    Attribute::Extractable(false),
                    Attribute::Sign(true),
                    Attribute::Verify(false),
                    Attribute::Encrypt(false),
                    Attribute::Decrypt(false),
                    Attribute::Wrap(false),
                    Attribute::Unwrap(false),
                    Attribute::Derive(false),
                    Attribute::Modifiable(false),
                    Attribute::ValueLen(32.into()),
                    Attribute::Label(label),
                ];
                let made = session.generate_key(&Mechanism::GenericSecretKeyGen, &attributes);
                let made = made.map_err(|error| self.fault(&error))?;
                // Two programs that first need it at the same time would each make one.
                let found = session.find_objects(&is_it).map_err(|error| self.fault(&error))?;
                if found.len() > 1 {
                    session.destroy_object(made).map_err(|error| self.fault(&error))?;
                    let reason = "another program made the key for person tags: try again";
                    return Err(failed(reason));
                }
                made
            }
            _ => {
                let reason =
                    format!("the token has several keys {:?} for person tags", self.place.key);
                return Err(failed(reason));
            }
        };
        Ok((session, key))
    }

    fn fault(&self, error: &Error) -> ServiceError {
        failed(format!("the token {:?}: {error}", self.place.token))
    }
}

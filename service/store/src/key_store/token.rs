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

use super::{KeyStoreError, TokenPlace};

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

fn whole_tag(tag: Vec<u8>) -> Result<[u8; 32], KeyStoreError> {
    tag.try_into().map_err(|_| KeyStoreError::TagLength)
}

impl TokenKey {
    /// Makes the key in the token.
    pub(super) fn generate(place: &TokenPlace, pin: &Passphrase) -> Result<Self, KeyStoreError> {
        let token = Self::load(place, pin)?;
        let session = token.open_session(true)?;
        if token.find(&session)?.is_some() {
            return Err(KeyStoreError::LabelTaken(place.key.clone()));
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
            .map_err(|error| token.fault(error))?;
        *token.session() = Some((session, key));
        Ok(token)
    }

    /// Finds the key in the token.
    pub(super) fn open(place: &TokenPlace, pin: &Passphrase) -> Result<Self, KeyStoreError> {
        let token = Self::load(place, pin)?;
        let opened = token.open_key()?;
        *token.session() = Some(opened);
        Ok(token)
    }

    fn load(place: &TokenPlace, pin: &Passphrase) -> Result<Self, KeyStoreError> {
        let at = |error: Error| KeyStoreError::Module {
            module: place.module.clone(),
            source: Box::new(error),
        };
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
    fn slot(&self) -> Result<Slot, KeyStoreError> {
        let slots = self.module.get_slots_with_token().map_err(|error| self.fault(error))?;
        let tokens = slots.into_iter().filter_map(|slot| {
            let info = self.module.get_token_info(slot).ok()?;
            let text = |text: &str| text.trim_end().to_owned();
            Some((slot, text(info.label()), text(info.serial_number())))
        });
        let wanted = &self.place.token;
        let fitting: Vec<_> =
            tokens.filter(|(_, label, serial)| label == wanted || serial == wanted).collect();
        match &fitting[..] {
            [] => Err(KeyStoreError::NoToken(wanted.clone())),
            [(slot, ..)] => Ok(*slot),
            several => {
                let serials = several.iter().map(|(.., serial)| serial.clone()).collect();
                Err(KeyStoreError::SeveralTokens { token: wanted.clone(), serials })
            }
        }
    }

    fn open_session(&self, writes: bool) -> Result<Session, KeyStoreError> {
        let fault = |error: Error| self.fault(error);
        let slot = self.slot()?;
        let session = match writes {
            true => self.module.open_rw_session(slot),
            false => self.module.open_ro_session(slot),
        };
        let session = session.map_err(fault)?;
        match session.login(UserType::User, Some(&self.pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange, _)) => {
                Err(KeyStoreError::WrongPin)
            }
            Err(Error::Pkcs11(RvError::PinLocked, _)) => Err(KeyStoreError::PinLocked),
            Err(error) => Err(fault(error)),
        }
    }

    fn open_key(&self) -> Result<(Session, ObjectHandle), KeyStoreError> {
        let session = self.open_session(false)?;
        let key = self.find(&session)?.ok_or_else(|| KeyStoreError::NoKey {
            token: self.place.token.clone(),
            key: self.place.key.clone(),
        })?;
        Ok((session, key))
    }

    fn find(&self, session: &Session) -> Result<Option<ObjectHandle>, KeyStoreError> {
        let is_it = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Label(self.place.key.clone().into_bytes()),
        ];
        let found = session.find_objects(&is_it).map_err(|error| self.fault(error))?;
        match found[..] {
            [] => Ok(None),
            [key] => Ok(Some(key)),
            _ => Err(KeyStoreError::SeveralKeys(self.place.key.clone())),
        }
    }

    /// Uses the key in the token; retries in a new session if it fails in an old one.
    fn with_key<T>(
        &self,
        act: impl Fn(&Session, ObjectHandle) -> Result<T, Error>,
    ) -> Result<T, KeyStoreError> {
        let mut held = self.session();
        if let Some((session, key)) = &*held {
            match act(session, *key) {
                Err(Error::Pkcs11(RvError::EncryptedDataInvalid, _)) => {
                    return Err(KeyStoreError::OtherKey);
                }
                Ok(done) => return Ok(done),
                Err(_) => *held = None,
            }
        }
        let (session, key) = &*held.insert(self.open_key()?);
        act(session, *key).map_err(|error| match error {
            Error::Pkcs11(RvError::EncryptedDataInvalid | RvError::GeneralError, _) => {
                KeyStoreError::OtherKey
            }
            error => self.fault(error),
        })
    }

    pub(super) fn wrap(&self, key: &[u8; 32], purpose: &str) -> Result<Vec<u8>, KeyStoreError> {
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
    ) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        let (iv, wrapped) =
            wrapped.split_first_chunk::<IV_BYTES>().ok_or(KeyStoreError::OtherKey)?;
        let key = self.with_key(|session, master| {
            let mut iv = *iv;
            let parameters = GcmParams::new(&mut iv, purpose.as_bytes(), TAG_BITS.into())?;
            session.decrypt(&Mechanism::AesGcm(parameters), master, wrapped)
        })?;
        Ok(Zeroizing::new(key))
    }

    /// Returns a keyed hash that the token computes inside, with a second key that it never reveals either; the key
    /// is made when it is first needed.
    pub(super) fn tag(&self, message: &[u8]) -> Result<[u8; 32], KeyStoreError> {
        let mut held = self.tagging.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((session, key)) = &*held
            && let Ok(tag) = session.sign(&Mechanism::Sha256Hmac, *key, message)
        {
            return whole_tag(tag);
        }
        let (session, key) = &*held.insert(self.open_tagging_key()?);
        let tag = session.sign(&Mechanism::Sha256Hmac, *key, message);
        whole_tag(tag.map_err(|error| self.fault(error))?)
    }

    fn open_tagging_key(&self) -> Result<(Session, ObjectHandle), KeyStoreError> {
        let label = format!("{} person tags", self.place.key).into_bytes();
        let session = self.open_session(true)?;
        let is_it = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(label.clone())];
        let found = session.find_objects(&is_it).map_err(|error| self.fault(error))?;
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
                let made = made.map_err(|error| self.fault(error))?;
                // Two programs that first need it at the same time would each make one.
                let found = session.find_objects(&is_it).map_err(|error| self.fault(error))?;
                if found.len() > 1 {
                    session.destroy_object(made).map_err(|error| self.fault(error))?;
                    return Err(KeyStoreError::TagKeyMade);
                }
                made
            }
            _ => return Err(KeyStoreError::SeveralTagKeys(self.place.key.clone())),
        };
        Ok((session, key))
    }

    fn fault(&self, error: Error) -> KeyStoreError {
        KeyStoreError::Token { token: self.place.token.clone(), source: Box::new(error) }
    }
}

//! States that many tests begin with: made once by the program, and copied.
//!
//! Tests are processes of their own, so what is made lies in the target folder: by the program and the tests that made
//! it, the register and schemes that it was made from, and the day, since periods close. Who comes first makes it, the
//! others wait.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use praman::calendar;

use super::{State, register, root};

impl State {
    /// A copy of the state that `make` makes, under a name.
    pub(crate) fn copy_of(name: &str, make: impl FnOnce() -> Self) -> Self {
        let place = scenes().join(name);
        let lock = File::create(place.with_extension("lock")).expect("a lock");
        lock.lock().expect("locked");
        if !place.exists() {
            let made = make();
            // Beside its place, so that a test that dies leaves none half-made.
            let beside = place.with_extension("partial");
            let _ = fs::remove_dir_all(&beside);
            copy(&made.path("."), &beside);
            fs::rename(&beside, &place).expect("moved");
        }
        drop(lock);
        let state = Self::new();
        copy(&place, &state.path("."));
        state
    }

    /// Keys of a circuit, as `setup` makes them of one seed.
    pub(crate) fn set_up(&self, circuit: &str, out: &str) {
        let made = Self::copy_of(&format!("keys-{circuit}"), || {
            let state = Self::new();
            let setup = ["setup", "--circuit", circuit, "--out", "keys", "--insecure-seed", "1"];
            state.json(&setup);
            state
        });
        fs::rename(made.path("keys"), self.path(out)).expect("moved");
    }
}

/// After this long, what was made from something else, or on another day, is removed.
const OLD: Duration = Duration::from_secs(6 * 3_600);

/// Where what was made today lies, of the program, tests, register and schemes as they are.
fn scenes() -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_praman"));
    let tests = std::env::current_exe().expect("the tests");
    let schemes = fs::read_dir(root().join("service/schemes")).expect("readable");
    let schemes = schemes.map(|entry| entry.expect("readable").path());
    let changed = [program, tests, register()].into_iter().chain(schemes).map(|path| {
        let changed = fs::metadata(path).and_then(|data| data.modified()).expect("a time");
        changed.duration_since(UNIX_EPOCH).expect("a time").as_nanos()
    });
    let newest = changed.max().expect("the program");
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenes");
    let name = format!("{}-{newest}", calendar::today().0);
    let own = all.join(&name);
    if !own.exists() {
        // Not what another run may copy from still.
        let is_old = |entry: &fs::DirEntry| {
            let changed = entry.metadata().and_then(|data| data.modified());
            changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > OLD))
        };
        for other in fs::read_dir(&all).into_iter().flatten().flatten().filter(is_old) {
            let _ = fs::remove_dir_all(other.path());
        }
    }
    fs::create_dir_all(&own).expect("a folder");
    own
}

/// Copies a folder with all that is in it; each file and folder keeps who may read it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let place = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).expect("copied");
        }
    }
    let mode = fs::metadata(from).expect("there").permissions();
    fs::set_permissions(to, mode).expect("its owner's");
}

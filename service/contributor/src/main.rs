//! The page's program: a request comes in, its answer goes out, and the program ends with all that it knew.

use std::io::{Read, Write};

use zeroizing_alloc::ZeroAlloc;

/// Memory is wiped when it is given back, so that no copy of a secret that some library made is left.
#[global_allocator]
static WIPING: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

fn main() -> std::io::Result<()> {
    let mut request = Vec::new();
    std::io::stdin().lock().read_to_end(&mut request)?;
    let (told, file) = praman_contributor::answer(request);
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &told)?;
    out.write_all(b"\n")?;
    out.write_all(&file)?;
    out.flush()
}

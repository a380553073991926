//! Reading a file, or stdin for `-`.

use std::io::Read;
use std::path::Path;

use crate::failure::Failure;

/// Everything in a file; `-` stands for stdin.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    if path.as_os_str() != "-" {
        return std::fs::read(path).map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")));
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| Failure::usage(format!("cannot read stdin: {error}")))?;
    Ok(bytes)
}

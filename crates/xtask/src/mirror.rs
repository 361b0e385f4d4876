use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use xtask::patch::Files;

/// Folders that are no sources. So are all whose name begins with a dot.
const NO_SOURCES: [&str; 1] = ["target"];

/// Makes `copy` the same as the sources in `root`, but for the files of `changed`. What is the same already
/// keeps its time of change, so that cargo builds only what differs.
pub(crate) fn mirror(root: &Path, copy: &Path, changed: &Files) -> Result<()> {
    fs::create_dir_all(copy).with_context(|| format!("making {}", copy.display()))?;
    let sources = files(root)?;
    for path in &sources {
        let text = match path.to_str().and_then(|path| changed.get(path)) {
            Some(text) => text.clone().into_bytes(),
            None => fs::read(root.join(path)).with_context(|| format!("reading {}", path.display()))?,
        };
        write(&copy.join(path), &text)?;
    }
    for path in files(copy)?.iter().filter(|path| !sources.contains(path)) {
        fs::remove_file(copy.join(path)).with_context(|| format!("removing {}", path.display()))?;
    }
    Ok(())
}

fn write(path: &Path, text: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let folder = path.parent().context("a file is in a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .with_context(|| format!("writing {}", path.display()))
}

/// The source files in a folder, with their paths from it.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        let reading = || format!("reading {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(reading)? {
            let entry = entry.with_context(reading)?;
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if name.starts_with('.') || NO_SOURCES.contains(&&*name) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root)?.to_owned());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_written() {
        let folder = std::env::temp_dir().join(format!("xtask-mirror-{}", std::process::id()));
        let (root, copy) = (folder.join("root"), folder.join("copy"));
        for (path, text) in [("same", "a"), ("in/changed", "b"), ("target/built", "c"), (".git/hidden", "d")]
        {
            write(&root.join(path), text.as_bytes()).unwrap();
        }
        let changed = Files::from([("in/changed".to_owned(), "patched".to_owned())]);
        mirror(&root, &copy, &changed).unwrap();
        let text = |path: &str| fs::read_to_string(copy.join(path)).ok();
        assert_eq!(text("same").as_deref(), Some("a"));
        assert_eq!(text("in/changed").as_deref(), Some("patched"));
        assert_eq!([text("target/built"), text(".git/hidden")], [None, None]);

        let time = |path: &str| fs::metadata(copy.join(path)).unwrap().modified().unwrap();
        let before = [time("same"), time("in/changed")];
        write(&copy.join("gone"), b"e").unwrap();
        write(&root.join("new"), b"f").unwrap();
        mirror(&root, &copy, &changed).unwrap();
        assert_eq!([time("same"), time("in/changed")], before);
        assert_eq!([text("gone"), text("new")], [None, Some("f".to_owned())]);
        fs::remove_dir_all(folder).unwrap();
    }
}

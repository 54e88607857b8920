//! The operator's token: made on the first start, kept in a file that only the server's user reads.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use store::{Caller, Store, Token, TokenDraft};

use super::first_start::FIRST_ORGANISATION;

/// What the token is called in the store.
const NAME: &str = "admin";

/// Where the token is kept.
pub(crate) fn token_path(data_dir: &Path) -> PathBuf {
    data_dir.join("admin-token")
}

/// Makes the token unless there is one; returns the file's path when it was made now.
///
/// An operator may take the file away: as long as the store knows a token, no other one is made.
/// When the file was never written, because the process died in between, nobody has ever seen the
/// token; [`replace`] makes another.
pub(super) async fn ensure(store: &Store, data_dir: &Path) -> anyhow::Result<Option<PathBuf>> {
    if !store.installation_tokens().await?.is_empty() {
        return Ok(None);
    }
    if store.lost_first_organisation().await? {
        tracing::warn!(
            "the installation has no API token of its own, and the organisation that it was for is \
             gone: `--new-admin-token` makes one, in a new organisation"
        );
        return Ok(None);
    }
    write(store, data_dir).await.map(Some)
}

/// What became of the installation's own tokens when the operator's was replaced.
pub(super) struct Replaced {
    /// The new token's file.
    pub(super) path: PathBuf,
    /// Those that ended: former tokens of the operator's, and what was made with them.
    pub(super) ended: Vec<Token>,
    /// Those that go on: nobody's, and made before it was noted with which token.
    pub(super) left: Vec<Token>,
}

/// Revokes the operator's token, and what was made with it, and makes another.
pub(super) async fn replace(store: &Store, data_dir: &Path) -> anyhow::Result<Replaced> {
    let path = write(store, data_dir).await?;
    let kept = fs::read_to_string(&path)?;
    let current = store.verify_token(kept.trim()).await?;
    let current = current.map(|verified| verified.token.id);
    let is_current = |token: &Token| Some(&token.id) == current.as_ref();
    let mut ended = Vec::new();
    for token in store.installation_tokens().await? {
        let is_gone = ended.iter().any(|gone: &Token| gone.id == token.id);
        if token.name == NAME && !is_current(&token) && !is_gone {
            let revoked = store.delete_token(&token.id, &Caller::system()).await?;
            ended.push(revoked.token);
            ended.extend(revoked.made_with_it);
        }
    }
    let left = store.installation_tokens().await?;
    let left = left.into_iter().filter(|token| !is_current(token));
    Ok(Replaced {
        path,
        ended,
        left: left.collect(),
    })
}

async fn write(store: &Store, data_dir: &Path) -> anyhow::Result<PathBuf> {
    let organisation = store.ensure_organisation(FIRST_ORGANISATION).await?.id;
    let draft = TokenDraft {
        organisation,
        person: None,
        name: NAME.to_owned(),
        scopes: None,
        parent: None,
        expires_at: None,
    };
    let made = store.create_token(draft, &Caller::system()).await?;
    let path = token_path(data_dir);
    let partial = path.with_extension("new");
    let written =
        write_private(&partial, made.text.expose()).and_then(|()| fs::rename(&partial, &path));
    written.with_context(|| format!("{} can't be written", path.display()))?;
    Ok(path)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    // A rest of an earlier try may have other permissions.
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

/// Makes the data folder, readable by its owner only.
pub(super) fn make_data_dir(data_dir: &Path) -> anyhow::Result<()> {
    if data_dir.is_dir() {
        return Ok(());
    }
    let made = fs::create_dir_all(data_dir)
        .and_then(|()| fs::set_permissions(data_dir, fs::Permissions::from_mode(0o700)));
    made.with_context(|| format!("the data folder {} can't be made", data_dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_and_token_are_for_their_owner_only() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("a/b");
        make_data_dir(&folder).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let file = folder.join("token");
        fs::write(&file, "left over").unwrap();
        write_private(&file, "secret").unwrap();
        assert_eq!(
            (mode(&file), fs::read_to_string(&file).unwrap()),
            (0o600, "secret\n".to_owned())
        );
    }
}

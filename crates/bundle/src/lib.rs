//! Bundles: everything a server is, in one open format that anybody can read without us.
//!
//! The format is described in `docs/bundle-format.md`. In short: a bundle is a set of *objects* under one prefix (or in one
//! folder). The data is a row of *segments*, each an independent tar → gzip → age stream cut into *parts* of at most
//! 8 MiB; hard links reach back to earlier segments. `manifest.json` names every object with its SHA-256,
//! `manifest.sig` is a raw Ed25519 signature over its bytes, `restore.sh` and `compose.yaml` bring the data to life.
//!
//! - [`format`](mod@format): manifest, names, keys, rules. Pure.
//! - [`plan`]: which file goes into which segment. Reads names and metadata.
//! - [`seal`]: age recipients and identities, keys made per bundle.
//! - [`stream`]: writing, checking and extracting; traits for stores.
//! - [`kit`]: `restore.sh` and `compose.yaml`.
//!
//! # For the job that exports
//! Implement [`stream::PartSink`] for the store (a PUT per part with its grant; retries of what may pass belong there).
//! Then: [`stream::Writer::open`] with the records of earlier attempts, [`stream::Writer::next`] until `None`, handing
//! each [`format::SegmentRecord`] on as it comes (it is JSON by serde); at last [`stream::Writer::finish`]. The job needs no key
//! but the recipients. A failed or killed run is repeated with the records it gave: only unfinished segments are written
//! again. At most two parts (16 MiB) are in memory besides one segment's names.
//!
//! # For the operator that commits
//! Put [`kit::files`] into the store, fill in a [`format::Manifest`] from records and counts, take its bytes once by
//! [`format::Manifest::to_bytes`], sign these with [`format::Signer::sign`], store `manifest.sig`, then `manifest.json`
//! as a conditional create: the commit point. The bytes stored are the bytes signed; never serialise again. The bundle is
//! named by [`format::Manifest::digest`].
//!
//! # For whoever reads
//! Implement [`stream::PartSource`], call [`stream::open`] with whom to trust, then [`stream::verify`] (no key to the data
//! needed, every object is read and hashed) or [`stream::extract`].
//!
//! ```
//! use bundle::format::{Counts, Freeze, Instance, Limits, Manifest, Signer, Software, Version};
//! use bundle::plan::Order;
//! use bundle::seal::{BundleKey, Recipients};
//! use bundle::stream::{self, Folder, Options, PartSink, Trust, Writer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! # let room = tempfile::tempdir()?;
//! # let (data, target) = (room.path().join("data"), room.path().join("restored"));
//! # std::fs::create_dir_all(data.join("user/alice"))?;
//! # std::fs::write(data.join("user/alice/user.json"), "{}")?;
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! // The job: data goes out, records come back one by one.
//! let key = BundleKey::generate();
//! let recipients = Recipients::new([key.recipient()])?;
//! let order = Order::new(&["user", "public.idx"], &["object"], &["server.pid", "tmp", "log"])?;
//! let sink = Folder::new(room.path().join("bundle"));
//! let mut writer = Writer::open(&data, order, recipients.clone(), sink, Vec::new(), Options::default())?;
//! while let Some(written) = writer.next().await? {
//!     println!("{} is safe", written.record.name);
//! }
//! let (outcome, mut folder) = writer.finish();
//!
//! // The operator: kit, manifest, signature.
//! let signer = Signer::from_seed(&[1; 32]);
//! let software = Software { flavour: "snac".into(), version: "2.75".into() };
//! let mut kit = Vec::new();
//! for file in bundle::kit::files("a.example", &software)? {
//!     kit.push(file.kit_file());
//!     folder.put(file).await?;
//! }
//! let manifest = Manifest {
//!     format: Manifest::FORMAT.into(),
//!     version: Version::CURRENT,
//!     bundle: "6f1c0c8e-6b7d-4c2e-9f58-2f6f0c3c5a10".parse()?,
//!     instance: Instance { uid: "0b6c2c0a-93f6-4f0e-8f0f-0a3d4f4f9a3e".parse()?, hostname: "a.example".into(), actor_keys: vec![] },
//!     software,
//!     created_at: "2026-01-02T03:04:05Z".parse()?,
//!     freeze: Freeze::default(),
//!     counts: Counts { users: 1, posts: 0, ..outcome.counts },
//!     skipped: outcome.skipped,
//!     segments: outcome.segments,
//!     kit,
//!     encryption: recipients.encryption(),
//!     signing: signer.public().signing(),
//! };
//! let bytes = manifest.to_bytes()?;
//! folder.commit(&bytes, &signer.sign(&bytes))?;
//!
//! // Anybody: check, then extract.
//! let opened = stream::open(&folder, &Trust::KeyId(signer.public().id())).await?;
//! stream::verify(&folder, &opened.manifest, |_| {}).await?;
//! let limits = Limits::signed(&opened.manifest);
//! stream::extract(&folder, &opened.manifest, &key.identities(), limits, &target, |_| {}).await?;
//! assert_eq!(std::fs::read(target.join("user/alice/user.json"))?, b"{}");
//! # Ok(()) }) }
//! ```

pub mod format;
pub mod kit;
pub mod plan;
mod root;
pub mod seal;
pub mod stream;

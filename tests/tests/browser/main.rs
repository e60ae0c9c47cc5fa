//! The web page in a real Chromium, over a real listener and a real destination.

mod bulk;
mod harness;
mod keyboard;
mod mend;
mod pages;
mod replay;
mod scene;

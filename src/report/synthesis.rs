//! What is enough, as text, document and page.

pub mod json;
pub mod markdown;
pub mod text;
mod words;

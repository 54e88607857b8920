//! The letters. What a letter says is data, made once; two templates turn it into text and HTML.

mod alert;
mod readable;
mod review;
#[cfg(test)]
mod tests;
mod words;

use api::mail::{Letter, LetterError, Letters};
use ftl::{Engine, Template};
use serde::Serialize;
use store::mail::{Bodies, Draft};

use super::address;
use words::content;

/// Writes letters with the embedded templates.
#[derive(Debug)]
pub(crate) struct TemplateLetters {
    text: Template,
    html: Template,
    /// How the installation signs: its address.
    sender: String,
}

/// What a letter says, for either template.
#[derive(Debug, Clone, Default, Serialize)]
struct Content {
    #[serde(skip)]
    subject: String,
    title: String,
    /// At least one: the first is what a list of mails shows.
    paragraphs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    button: Option<Button>,
    notes: Vec<String>,
}

/// What the recipient is to do.
#[derive(Debug, Clone, Serialize)]
struct Button {
    label: &'static str,
    link: String,
}

/// A letter's data as the templates see it.
#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    content: &'a Content,
    sender: &'a str,
}

impl TemplateLetters {
    /// Letters of the installation at `public_url`.
    pub(crate) fn new(public_url: &str) -> Result<Self, ftl::Error> {
        let engine = Engine::new();
        let compile = |name, source| engine.compile(name, source);
        Ok(Self {
            text: compile("letter.txt", include_str!("../templates/letter.txt.ftl"))?,
            html: compile("letter.html", include_str!("../templates/letter.html.ftl"))?,
            sender: format!("Millstream at {public_url}"),
        })
    }

    fn render(&self, template: &Template, content: &Content) -> Result<String, LetterError> {
        let failed = |error| LetterError::Template(error);
        let sender = &self.sender;
        let data = serde_json::to_value(Data { content, sender });
        let data = data.map_err(|error| failed(error.into()))?;
        let mut out = Vec::new();
        template
            .render(&data, &mut out)
            .map_err(|error| failed(error.into()))?;
        String::from_utf8(out).map_err(|error| failed(error.into()))
    }
}

impl Letters for TemplateLetters {
    fn write(&self, recipient: &str, letter: &Letter<'_>) -> Result<Draft, LetterError> {
        if address::parse(recipient).is_none() {
            return Err(LetterError::Address);
        }
        let content = content(letter);
        Ok(Draft {
            kind: letter.kind(),
            recipient: recipient.to_owned(),
            bodies: Bodies {
                text: self.render(&self.text, &content)?,
                html: self.render(&self.html, &content)?,
                unsubscribe: letter.unsubscribe().map(str::to_owned),
            },
            subject: content.subject,
            expires_at: letter.expires_at(),
        })
    }
}

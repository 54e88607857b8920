//! Output formats: what a template prints, and how text is escaped for it.

use std::sync::Arc;

use crate::value::Str;

/// What a part of a template prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    Undefined,
    PlainText,
    Html,
    Xhtml,
    Xml,
    Rtf,
    JavaScript,
    Json,
    Css,
    /// `HTML{RTF}`: escaped for the inner one, then for the outer one.
    Combined(Arc<Combined>),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Combined {
    name: Box<str>,
    /// Whether it has been asked for by that whole name: FreeMarker's has none then.
    nameless: bool,
    outer: OutputFormat,
    inner: OutputFormat,
}

/// When `${x}` is escaped without being asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AutoEscaping {
    Disable,
    EnableIfDefault,
    EnableIfSupported,
}

const NAMED: &[(&str, OutputFormat)] = &[
    ("undefined", OutputFormat::Undefined),
    ("HTML", OutputFormat::Html),
    ("XHTML", OutputFormat::Xhtml),
    ("XML", OutputFormat::Xml),
    ("RTF", OutputFormat::Rtf),
    ("plainText", OutputFormat::PlainText),
    ("CSS", OutputFormat::Css),
    ("JavaScript", OutputFormat::JavaScript),
    ("JSON", OutputFormat::Json),
];

/// Longest name of a combined format.
const MAX_NAME: usize = 200;

impl OutputFormat {
    /// Finds a format by its name; the error says what is wrong with the name.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        if name.is_empty() {
            return Err("Invalid format name: 0-length format name".to_owned());
        }
        if let Some((_, format)) = NAMED.iter().find(|(known, _)| *known == name) {
            return Ok(format.clone());
        }
        let Some(combination) = name.strip_suffix('}').filter(|_| name.len() <= MAX_NAME) else {
            let mut names: Vec<_> = NAMED.iter().map(|(name, _)| format!("{name:?}")).collect();
            names.sort();
            return Err(format!(
                "Unregistered output format name, {name:?}. The output formats registered in the Configuration are: {}",
                names.join(", ")
            ));
        };
        let (outer, inner) = combination
            .split_once('{')
            .ok_or_else(|| format!("Missing opening '{{' in: {name}"))?;
        let (outer, inner) = (Self::named(outer)?, Self::named(inner)?);
        Self::put_together(outer, inner, true)
    }

    /// `outer{inner}`; both must be markup.
    pub(crate) fn combined(outer: Self, inner: Self) -> Result<Self, String> {
        Self::put_together(outer, inner, false)
    }

    fn put_together(outer: Self, inner: Self, nameless: bool) -> Result<Self, String> {
        if let Some(format) = [&outer, &inner]
            .into_iter()
            .find(|format| !format.is_markup())
        {
            return Err(format!(
                "Invalid format name: The {:?} output format can't be used in ...{{...}} expression, because it's not a markup format.",
                format.name()
            ));
        }
        let name = format!("{}{{{}}}", outer.own_name(), inner.own_name()).into();
        Ok(Self::Combined(Arc::new(Combined {
            name,
            nameless,
            outer,
            inner,
        })))
    }

    /// The format that the configuration names: by its name, or as the Java object that it is there.
    pub(crate) fn configured(name: &str) -> Result<Self, String> {
        let class = name.strip_suffix("()");
        let of_class = class.and_then(|name| name.strip_suffix("OutputFormat"));
        if let Some((_, format)) = of_class.and_then(|stem| {
            let is_meant = |(known, _): &&(&str, Self)| known.eq_ignore_ascii_case(stem);
            NAMED.iter().find(is_meant)
        }) {
            return Ok(format.clone());
        }
        match Self::named(name)? {
            Self::Combined(_) => Err(format!(
                "Unregistered output format name, {name:?}: formats are only combined in templates"
            )),
            format => Ok(format),
        }
    }

    /// What the standard file extensions stand for.
    pub(crate) fn of_file(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "ftlh" => Some(Self::Html),
            "ftlx" => Some(Self::Xml),
            _ => None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        if let Self::Combined(combined) = self {
            return &combined.name;
        }
        NAMED
            .iter()
            .find(|(_, format)| format == self)
            .map_or("undefined", |(name, _)| name)
    }

    /// What `.output_format` says.
    pub(crate) fn shown_name(&self) -> &str {
        match self {
            Self::Combined(combined) if combined.nameless => "",
            format => format.name(),
        }
    }

    /// The name that messages tell.
    pub(crate) fn own_name(&self) -> &str {
        match self {
            Self::Combined(combined) if combined.nameless => "null",
            format => format.name(),
        }
    }

    /// Whether text can be escaped for it.
    pub(crate) fn is_markup(&self) -> bool {
        matches!(
            self,
            Self::Html | Self::Xhtml | Self::Xml | Self::Rtf | Self::Combined(_)
        )
    }

    /// Whether its markup is what the old built-in makes of a text, too.
    pub(crate) fn is_escaped_by(&self, builtin: &str) -> bool {
        match self {
            Self::Html | Self::Xhtml => matches!(builtin, "html" | "xhtml" | "xml"),
            Self::Xml => builtin == "xml",
            Self::Rtf => builtin == "rtf",
            Self::Combined(combined) => combined.outer.is_escaped_by(builtin),
            _ => false,
        }
    }

    /// Whether it takes markup of other formats as it is.
    pub(crate) fn allows_mixing(&self) -> bool {
        matches!(self, Self::Undefined)
    }

    /// Whether `${x}` is escaped under `policy`.
    pub(crate) fn auto_escapes(&self, policy: AutoEscaping) -> bool {
        self.is_markup() && policy != AutoEscaping::Disable
    }

    /// Appends `text`, escaped.
    pub(crate) fn escape(&self, text: &str, out: &mut Vec<u8>) {
        match self {
            Self::Combined(combined) => {
                let mut inner = Vec::with_capacity(text.len() + 16);
                combined.inner.escape(text, &mut inner);
                combined.outer.escape_bytes(&inner, out);
            }
            _ => self.escape_bytes(text.as_bytes(), out),
        }
    }

    fn escape_bytes(&self, text: &[u8], out: &mut Vec<u8>) {
        let replacement = |byte: u8| -> Option<&'static [u8]> {
            Some(match (self, byte) {
                (Self::Rtf, b'\\') => b"\\\\",
                (Self::Rtf, b'{') => b"\\{",
                (Self::Rtf, b'}') => b"\\}",
                (Self::Html | Self::Xhtml | Self::Xml, b'<') => b"&lt;",
                (Self::Html | Self::Xhtml | Self::Xml, b'>') => b"&gt;",
                (Self::Html | Self::Xhtml | Self::Xml, b'&') => b"&amp;",
                (Self::Html | Self::Xhtml | Self::Xml, b'"') => b"&quot;",
                (Self::Html | Self::Xhtml, b'\'') => b"&#39;",
                (Self::Xml, b'\'') => b"&apos;",
                _ => return None,
            })
        };
        if let Self::Combined(combined) = self {
            let mut inner = Vec::with_capacity(text.len() + 16);
            combined.inner.escape_bytes(text, &mut inner);
            combined.outer.escape_bytes(&inner, out);
            return;
        }
        let mut start = 0;
        for (at, byte) in text.iter().enumerate() {
            if let Some(escaped) = replacement(*byte) {
                out.extend_from_slice(&text[start..at]);
                out.extend_from_slice(escaped);
                start = at + 1;
            }
        }
        out.extend_from_slice(&text[start..]);
    }
}

/// Whether a built-in escapes in the old way, which automatic escaping does away with.
pub(crate) fn is_legacy_escaping(builtin: &str) -> bool {
    matches!(builtin, "html" | "web_safe" | "xhtml" | "xml" | "rtf")
}

/// A value that is markup already: printed as it is where its format is expected.
#[derive(Clone, Debug)]
pub(crate) struct Markup<'a> {
    pub(crate) format: OutputFormat,
    pub(crate) content: Content<'a>,
}

#[derive(Clone, Debug)]
pub(crate) enum Content<'a> {
    /// Text that is still to be escaped.
    Plain(Str<'a>),
    Markup(Str<'a>),
}

impl<'a> Markup<'a> {
    /// Appends it as markup of its format.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match &self.content {
            Content::Plain(text) => self.format.escape(text.as_str(), out),
            Content::Markup(text) => out.extend_from_slice(text.as_str().as_bytes()),
        }
    }

    /// The text behind it, if it was made from text.
    pub(crate) fn plain(&self) -> Option<&str> {
        match &self.content {
            Content::Plain(text) => Some(text.as_str()),
            Content::Markup(_) => None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match &self.content {
            Content::Plain(text) | Content::Markup(text) => text.as_str().is_empty(),
        }
    }

    /// Both, one after the other; they are of the same format.
    pub(crate) fn concat(&self, other: &Self) -> Markup<'a> {
        let content = match (&self.content, &other.content) {
            (Content::Plain(left), Content::Plain(right)) => {
                Content::Plain(Str::from(format!("{}{}", left.as_str(), right.as_str())))
            }
            _ => {
                let mut bytes = Vec::new();
                self.write(&mut bytes);
                other.write(&mut bytes);
                Content::Markup(Str::from(String::from_utf8_lossy(&bytes).into_owned()))
            }
        };
        Markup {
            format: self.format.clone(),
            content,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(format: &str, text: &str) -> String {
        let mut out = Vec::new();
        OutputFormat::named(format)
            .expect("a format")
            .escape(text, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn each_format_escapes_its_own_way() {
        assert_eq!(escaped("HTML", "<é'>"), "&lt;é&#39;&gt;");
        assert_eq!(escaped("XML", "'"), "&apos;");
        assert_eq!(escaped("RTF", "{\\}"), "\\{\\\\\\}");
        assert_eq!(escaped("HTML{RTF}", "<{"), "&lt;\\{");
        assert_eq!(escaped("JSON", "<\""), "<\"");
    }

    #[test]
    fn only_markup_can_be_combined() {
        assert!(OutputFormat::named("HTML{JSON}").is_err());
        assert!(OutputFormat::named("HTML{").is_err());
        assert!(OutputFormat::named("Html").is_err());
    }
}

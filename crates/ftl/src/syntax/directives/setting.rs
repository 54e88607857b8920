//! `#setting`.

use crate::syntax::ast::{NodeKind, Setting};
use crate::syntax::lexer::Token;
use crate::syntax::parser::{Parser, Result};
use crate::syntax::source::Src;
use crate::syntax::tags::Tag;
use crate::syntax::whitespace::Piece;

impl Parser<'_> {
    pub(super) fn setting_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        self.enter_tag(tag)?;
        let src = self.token_src;
        let name = self.identifier()?;
        self.expect(Token::Assign, "pattern:\n    \"=\"")?;
        let value = self.expression()?;
        self.end_tag()?;
        self.check_name(&name, src)?;
        let setting = self.setting_named(&name, src)?;
        self.layout.leaf(Piece::Silent, start, self.pos as u32);
        Ok(NodeKind::Setting {
            name: setting,
            value,
        })
    }

    fn setting_named(&self, name: &str, src: Src) -> Result<Setting> {
        Ok(match name {
            "number_format" | "numberFormat" => Setting::NumberFormat,
            "c_format" | "cFormat" => Setting::CFormat,
            "boolean_format" | "booleanFormat" => Setting::BooleanFormat,
            "date_format" | "dateFormat" => Setting::DateFormat,
            "time_format" | "timeFormat" => Setting::TimeFormat,
            "datetime_format" | "datetimeFormat" => Setting::DateTimeFormat,
            "time_zone" | "timeZone" => Setting::TimeZone,
            "locale" => Setting::Locale,
            "output_encoding" | "outputEncoding" => Setting::OutputEncoding,
            "url_escaping_charset" | "urlEscapingCharset" => Setting::UrlEscapingCharset,
            "sql_date_and_time_time_zone" | "sqlDateAndTimeTimeZone" => {
                Setting::SqlDateAndTimeTimeZone
            }
            "classic_compatible" | "classicCompatible" => {
                let message = "the setting classic_compatible is refused: it is FreeMarker 1's way with missing values";
                return Err(self.refused(src, message));
            }
            other => {
                const NAMES: &str = "boolean_format, classic_compatible, date_format, datetime_format, locale, number_format, output_encoding, sql_date_and_time_time_zone, time_format, time_zone, url_escaping_charset";
                let names = if self.is_camel() {
                    crate::builtins::camel_case(NAMES)
                } else {
                    NAMES.to_owned()
                };
                let message = format!(
                    "Unknown setting name: {other:?}. The allowed setting names are: {names}"
                );
                return Err(self.syntax_error(src, message));
            }
        })
    }
}

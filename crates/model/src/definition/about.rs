//! What the catalog shows of a destination.

use serde::{Deserialize, Serialize};

/// What the catalog shows beside the name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct About {
    /// Under which the catalog files it.
    pub category: Category,
    /// One line, on the tile.
    pub summary: String,
    /// What it is for, as Markdown.
    pub description: String,
    /// Where to read more.
    pub links: Vec<Link>,
    /// The picture on the tile, by the SHA-256 of its bytes in hexadecimal; `None`: its initials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
}

/// The shelves of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CatalogCategory))]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Reports, experiments, session replay.
    Analytics,
    /// Audiences and conversions.
    Advertising,
    /// Where users came from.
    Attribution,
    /// Own services and workflows.
    Automation,
    /// Profiles and pipelines.
    CustomerData,
    /// Help desks and chat with users.
    CustomerSupport,
    /// Mail, push, in-app messages, SMS.
    Messaging,
    /// Customer relationship management.
    Sales,
    /// Lakes, warehouses and queues.
    Storage,
    /// None of these.
    #[default]
    Other,
}

impl Category {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Analytics => "analytics",
            Self::Advertising => "advertising",
            Self::Attribution => "attribution",
            Self::Automation => "automation",
            Self::CustomerData => "customer_data",
            Self::CustomerSupport => "customer_support",
            Self::Messaging => "messaging",
            Self::Sales => "sales",
            Self::Storage => "storage",
            Self::Other => "other",
        }
    }
}

/// A page about the destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What it leads to.
    pub title: String,
    /// An `https` or `http` address.
    pub url: String,
}

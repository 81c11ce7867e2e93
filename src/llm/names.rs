//! The catalog as it is asked for the names of a model list.

use crate::catalog::Catalog;
use crate::config::Names;
use crate::config::Provider;
use crate::types::ModelName;
use crate::types::Wire;

/// Asks a catalog.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CatalogNames<'c>(pub(crate) &'c Catalog);

impl Names for CatalogNames<'_> {
    fn model(&self, written: &str) -> Result<String, String> {
        match self.0.resolve(written) {
            Ok(resolved) => Ok(ModelName::as_str(&resolved.name).to_owned()),
            Err(unknown) => Err(unknown.to_string()),
        }
    }

    fn provider(&self, prefix: &str) -> Option<Provider> {
        let lower = prefix.to_ascii_lowercase();
        let found = self.0.provider(prefix).or_else(|| self.0.provider(&lower));
        found.map(|spec| Provider {
            id: spec.id.clone(),
        })
    }

    fn local(&self) -> Vec<String> {
        let own = self.0.providers();
        own.filter(|spec| spec.local || spec.wire() == Wire::Demo)
            .map(|spec| spec.id.clone())
            .collect()
    }
}

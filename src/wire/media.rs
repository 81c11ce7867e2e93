//! Media as the wires of OpenAI's family write them: an address, or a `data:` URL with the bytes.

use crate::types::Media;
use crate::types::MediaSource;
use crate::wire::WireError;

/// The medium as one URL.
pub(super) fn to_url(media: &Media) -> String {
    match &media.source {
        MediaSource::Url(url) => url.clone(),
        MediaSource::Base64(base64) => format!("data:{};base64,{base64}", media.media_type),
    }
}

/// The medium behind a URL. What an address leads to is guessed from its ending, else `usual`.
///
/// # Errors
/// `Malformed` for a `data:` URL without base64.
pub(super) fn from_url(url: &str, usual: &str) -> Result<Media, WireError> {
    let Some(data) = url.strip_prefix("data:") else {
        return Ok(Media {
            media_type: media_type_of(url).unwrap_or(usual).to_owned(),
            source: MediaSource::Url(url.to_owned()),
        });
    };
    let Some((media_type, base64)) = data.split_once(";base64,") else {
        let shown: String = url.chars().take(40).collect();
        return Err(WireError::Malformed(format!(
            "\"{shown}…\" is no data URL: write data:image/png;base64,…"
        )));
    };
    let media_type = media_type.split(';').next().unwrap_or_default();
    Ok(Media {
        media_type: if media_type.is_empty() {
            usual
        } else {
            media_type
        }
        .to_owned(),
        source: MediaSource::Base64(base64.to_owned()),
    })
}

/// The media type that a file's ending stands for.
pub(super) fn media_type_of(name: &str) -> Option<&'static str> {
    let path = name.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('.').next()?.to_ascii_lowercase();
    Some(match ending.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "md" => "text/markdown",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "wav" => "audio/wav",
        "mp3" => "audio/mp3",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_url_survives_both_ways() {
        let url = "data:image/png;base64,iVBO";
        assert_eq!(to_url(&from_url(url, "image/jpeg").unwrap()), url);
        let address = "https://a.example/x.PDF?y=1.png";
        assert_eq!(
            from_url(address, "image/jpeg").unwrap().media_type,
            "application/pdf"
        );
        assert!(from_url("data:image/png,abc", "image/png").is_err());
    }
}

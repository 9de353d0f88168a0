//! Pictures that people hand in: read within bounds, made small and written anew, so that nothing of the file that came
//! is kept or passed on but what is seen. Where and with what it was taken stands beside the picture, and goes.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use stempel_wire::article::Photo;
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// The longest file that is taken, in bytes: what a phone's camera writes.
pub(crate) const FILE_LEN_MAX: usize = 12 * 1024 * 1024;
/// The widest and highest picture, in pixels.
const SIDE_MAX: u32 = 12_000;
/// The most memory that reading one may take, in bytes.
const MEMORY_MAX: u64 = 192 * 1024 * 1024;
/// The side of an article's photo, in pixels: twice the picture on a till's tile.
const PHOTO_SIDE: u32 = 240;
/// A logo's place, in pixels, and the most bytes that it takes: a phone loads it before the card.
const LOGO: (u32, u32) = (480, 200);
const LOGO_LEN_MAX: usize = 24 * 1024;
/// How good the JPEG is, the best first that fits.
const QUALITIES: [u8; 5] = [82, 72, 60, 45, 25];

/// One picture is read at a time: each may take much memory.
static TURN: Semaphore = Semaphore::const_new(1);

/// An article's photo from a file: its middle, as a square.
pub(crate) async fn photo(file: Vec<u8>) -> Result<Photo> {
    aside(move || photo_of(&file)).await
}

/// A shop's logo from a file, as a PNG: whole, and what one can see through stays so.
pub(crate) async fn logo(file: Vec<u8>) -> Result<Vec<u8>> {
    aside(move || logo_of(&file)).await
}

/// A picture as paper takes it.
#[derive(Debug, Clone)]
pub(crate) struct ForPaper {
    /// On white.
    pub jpeg: Vec<u8>,
    /// In pixels.
    pub width: u32,
    pub height: u32,
}

/// A logo for paper.
pub(crate) fn for_paper(png: &[u8]) -> Result<ForPaper> {
    let picture = read(png)?;
    Ok(ForPaper { jpeg: jpeg(&picture, 92)?, width: picture.width(), height: picture.height() })
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let _turn = TURN.acquire().await.map_err(|_| Error::Damaged("the turn for pictures".to_owned()))?;
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Damaged(format!("a picture could not be read: {error}")))?
}

fn unreadable(detail: &str) -> Error {
    Error::refused("picture", 422, "This picture cannot be taken", detail)
}

/// Reads a picture the right way up, whatever is beside it in the file.
fn read(file: &[u8]) -> Result<DynamicImage> {
    let detail =
        "Choose a photograph or a drawing as JPEG or PNG, at most 12 MB and 12,000 pixels wide or high.";
    let refused = |_| unreadable(detail);
    let reader = ImageReader::new(Cursor::new(file)).with_guessed_format();
    let mut reader = reader.map_err(|_| unreadable(detail))?;
    if !matches!(reader.format(), Some(ImageFormat::Jpeg | ImageFormat::Png)) {
        return Err(unreadable(detail));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refused)?;
    if decoder.total_bytes() > MEMORY_MAX {
        return Err(unreadable(detail));
    }
    let orientation = decoder.orientation().map_err(refused)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refused)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn photo_of(file: &[u8]) -> Result<Photo> {
    let picture = read(file)?.resize_to_fill(PHOTO_SIDE, PHOTO_SIDE, FilterType::Triangle);
    for quality in QUALITIES {
        if let Some(photo) = Photo::of(&jpeg(&picture, quality)?) {
            return Ok(photo);
        }
    }
    // Noise alone comes here.
    let smaller = picture.resize(PHOTO_SIDE / 2, PHOTO_SIDE / 2, FilterType::Triangle);
    Photo::of(&jpeg(&smaller, QUALITIES[4])?)
        .ok_or_else(|| unreadable("It cannot be made small enough. Choose another one."))
}

fn logo_of(file: &[u8]) -> Result<Vec<u8>> {
    let picture = read(file)?;
    let (mut width, mut height) = LOGO;
    loop {
        let small = match picture.width() <= width && picture.height() <= height {
            true => picture.clone(),
            false => picture.resize(width, height, FilterType::Lanczos3),
        };
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::from(small.to_rgba8())
            .write_to(&mut bytes, ImageFormat::Png)
            .map_err(|error| Error::Damaged(format!("a picture could not be written: {error}")))?;
        if bytes.get_ref().len() <= LOGO_LEN_MAX {
            return Ok(bytes.into_inner());
        }
        // A photograph, which a PNG does not make small.
        (width, height) = (width * 3 / 4, height * 3 / 4);
        if height < 40 {
            return Err(unreadable("It cannot be made small enough. Choose a drawing with few colours."));
        }
    }
}

/// A picture on white, as a JPEG.
fn jpeg(picture: &DynamicImage, quality: u8) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(&on_white(picture))
        .map_err(|error| Error::Damaged(format!("a picture could not be written: {error}")))?;
    Ok(bytes)
}

/// Lays a picture that one can see through on white paper.
fn on_white(picture: &DynamicImage) -> image::RgbImage {
    let seen = picture.to_rgba8();
    image::RgbImage::from_fn(seen.width(), seen.height(), |x, y| {
        let [r, g, b, alpha] = seen.get_pixel(x, y).0;
        let over = |colour: u8| {
            let (colour, alpha) = (u32::from(colour), u32::from(alpha));
            ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        image::Rgb([over(r), over(g), over(b)])
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// A JPEG whose first segment says how it was held and where it was taken.
    fn with_place(jpeg: &[u8]) -> Vec<u8> {
        let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02".to_vec();
        // Orientation 6: the upper edge is at the right.
        exif.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0");
        exif.extend(b"\x01\x0e\0\x02\0\0\0\x10\0\0\0\x26\0\0\0\0Hafen 5, 12345 X");
        let mut file = jpeg[..2].to_vec();
        file.extend([0xff, 0xe1]);
        file.extend((exif.len() as u16 + 2).to_be_bytes());
        file.extend(exif);
        file.extend(&jpeg[2..]);
        file
    }

    #[test]
    fn a_photo_is_small_upright_and_says_nothing_beside() {
        // Its left half is red: held as the file says, the upper half is.
        let taken = DynamicImage::from(RgbImage::from_fn(1200, 1200, |x, _| {
            if x < 600 { Rgb([200, 30, 30]) } else { Rgb([30, 30, 200]) }
        }));
        let file = with_place(&file(&taken, ImageFormat::Jpeg));
        let jpeg = photo_of(&file).unwrap().jpeg().unwrap();
        assert!(jpeg.len() <= Photo::LEN_MAX);
        assert!(!jpeg.windows(5).any(|part| part == b"Hafen" || part == b"Exif\0"));
        let seen = image::load_from_memory(&jpeg).unwrap().to_rgb8();
        assert_eq!(seen.dimensions(), (240, 240));
        assert!(seen.get_pixel(120, 20).0[0] > 150 && seen.get_pixel(120, 220).0[2] > 150);
    }

    #[test]
    fn noise_is_made_small_too_and_what_is_seen_through_lies_on_white() {
        let mut state = 7_u32;
        let noise = DynamicImage::from(RgbImage::from_fn(600, 400, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [a, b, c, _] = state.to_be_bytes();
            Rgb([a, b, c])
        }));
        assert!(photo_of(&file(&noise, ImageFormat::Png)).is_ok());
        let clear = DynamicImage::from(RgbaImage::from_pixel(300, 300, Rgba([0, 0, 0, 0])));
        let jpeg = photo_of(&file(&clear, ImageFormat::Png)).unwrap().jpeg().unwrap();
        let seen = image::load_from_memory(&jpeg).unwrap().to_rgb8();
        assert!(seen.pixels().all(|pixel| pixel.0.iter().all(|colour| *colour > 250)));
    }

    #[test]
    fn what_is_no_picture_or_too_big_is_refused() {
        let small = file(&DynamicImage::new_rgb8(20, 20), ImageFormat::Png);
        // A file that says that it is huge.
        let mut huge = small.clone();
        huge[16..24].copy_from_slice(&[0, 0, 0x2e, 0xe0, 0, 0, 0x2e, 0xe0]);
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>1</script></svg>".to_vec();
        let wide = file(&DynamicImage::new_luma8(12_001, 1), ImageFormat::Png);
        for bad in [Vec::new(), b"GIF89a".to_vec(), svg, small[..40].to_vec(), huge, wide] {
            let error = photo_of(&bad).unwrap_err();
            assert_eq!((error.code(), error.problem().status), ("picture", 422), "{}", bad.len());
        }
    }
}

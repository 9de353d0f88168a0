//! A sheet as a PDF of receipt width: one page, one picture in black and white.

use image::GrayImage;
use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref};

use super::{DOTS_PER_MM, rows};

/// Points in a millimetre.
const POINTS: f64 = 72.0 / 25.4;
const CATALOG: Ref = Ref::new(1);
const TREE: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const DRAWING: Ref = Ref::new(4);
const PICTURE: Ref = Ref::new(5);
const SLIP: Name<'static> = Name(b"Slip");

/// The document.
pub(super) fn bytes(sheet: &GrayImage) -> Vec<u8> {
    let points = |dots: u32| (f64::from(dots) / DOTS_PER_MM * POINTS) as f32;
    let (wide, tall) = (points(sheet.width()), points(sheet.height()));
    // Paper of 80 mm with what the printer cannot reach at both sides.
    let paper = (80.0 * POINTS) as f32;
    // In a picture of a PDF, 0 is black.
    let pixels: Vec<u8> = rows(sheet).into_iter().flatten().map(|byte| !byte).collect();

    let mut pdf = Pdf::new();
    pdf.catalog(CATALOG).pages(TREE);
    pdf.pages(TREE).kids([PAGE]).count(1);
    let mut page = pdf.page(PAGE);
    page.media_box(Rect::new(0.0, 0.0, paper, tall)).parent(TREE).contents(DRAWING);
    page.resources().x_objects().pair(SLIP, PICTURE);
    page.finish();
    let mut drawing = Content::new();
    drawing.save_state().transform([wide, 0.0, 0.0, tall, (paper - wide) / 2.0, 0.0]);
    drawing.x_object(SLIP).restore_state();
    pdf.stream(DRAWING, &drawing.finish());
    let mut picture = pdf.image_xobject(PICTURE, &pixels);
    // A sheet is 576 dots wide and some thousands high.
    picture.width(sheet.width() as i32).height(sheet.height() as i32);
    picture.color_space().device_gray();
    picture.bits_per_component(1);
    picture.finish();
    pdf.finish()
}

//! Compiles the screens, with their translations inside.

fn main() {
    #[cfg(feature = "ui")]
    screens();
}

#[cfg(feature = "ui")]
fn screens() {
    use slint_build::{CompilerConfiguration, DefaultTranslationContext};
    // Tests find elements by their labels, which needs the names of elements; a release does without.
    let named = std::env::var("PROFILE").is_ok_and(|profile| profile != "release");
    let configuration = CompilerConfiguration::new()
        .with_bundled_translations("assets/translations")
        .with_default_translation_context(DefaultTranslationContext::None)
        .with_debug_info(named);
    if let Err(error) = slint_build::compile_with_config("ui/app.slint", configuration) {
        println!("cargo::error={error}");
    }
}

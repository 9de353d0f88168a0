//! Lists that change row by row, so that a list that grows by one keeps the focus and the finger on its other rows.

use std::rc::Rc;

use slint::{Model, ModelRc, VecModel};

/// The rows of a list on the screen.
pub(super) struct Rows<T>(Rc<VecModel<T>>);

impl<T> std::fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rows")
    }
}

impl<T> Default for Rows<T>
where
    T: Clone + PartialEq + 'static,
{
    fn default() -> Self {
        Self(Rc::new(VecModel::default()))
    }
}

impl<T> Rows<T>
where
    T: Clone + PartialEq + 'static,
{
    /// The model that the screen reads.
    pub(super) fn model(&self) -> ModelRc<T> {
        ModelRc::from(Rc::clone(&self.0))
    }

    /// Shows these rows; those that did not change are left alone.
    pub(super) fn set(&self, rows: impl IntoIterator<Item = T>) {
        let mut count = 0;
        for row in rows {
            match self.0.row_data(count) {
                Some(shown) if shown == row => {}
                Some(_) => self.0.set_row_data(count, row),
                None => self.0.push(row),
            }
            count += 1;
        }
        while self.0.row_count() > count {
            self.0.remove(self.0.row_count() - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_changed_added_and_removed() {
        let rows = Rows::default();
        for wanted in [vec![1, 2], vec![1, 3, 4], vec![5], vec![]] {
            rows.set(wanted.clone());
            assert_eq!(rows.model().iter().collect::<Vec<_>>(), wanted);
        }
    }
}

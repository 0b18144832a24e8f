//! The shared state as a picture: what a reader of a schedule wants to see whole beside one of its steps.

use std::any::Any;
use std::rc::Rc;

/// The shared state in full at one moment, as a system's own data. The engines pass it on as it is; text is made of it last, by
/// who shows it.
#[derive(Clone, Debug, Default)]
pub struct Picture(Option<Rc<dyn Any>>);

impl Picture {
    /// The shared state as this value.
    pub fn new(state: impl Any) -> Self {
        Picture(Some(Rc::new(state)))
    }

    /// The value, if there is one and of that type.
    pub fn of<T: Any>(&self) -> Option<&T> {
        self.0.as_ref()?.downcast_ref()
    }
}

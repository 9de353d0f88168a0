//! A terminal in front of a made-up café, drawn by the software renderer into memory.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use i_slint_backend_testing::{
    AccessibleRole, ElementHandle, ElementQuery, TestingBackend, TestingBackendOptions, mock_elapsed_time,
};
use slint::PhysicalSize;
use slint::platform::{PointerEventButton, WindowEvent};

use crate::controllers::{Effect, Face, FaceOptions, Language, Look, Note, Route, UiAction};
use crate::sample_desk::{SampleDesk, at};
use crate::screens::{AppScreens, CameraFrame};

/// The window with its controllers.
pub struct Terminal {
    pub screens: AppScreens,
    state: Rc<State>,
}

struct State {
    face: RefCell<Face<SampleDesk>>,
    seconds: Cell<i64>,
    effects: RefCell<Vec<Effect>>,
    actions: RefCell<Vec<UiAction>>,
    taps: Cell<u32>,
}

impl State {
    fn handle(&self, action: UiAction) {
        self.actions.borrow_mut().push(action.clone());
        let effects = self.face.borrow_mut().handle(action, at(self.seconds.get()));
        self.effects.borrow_mut().extend(effects);
    }
}

impl Terminal {
    pub fn new(options: FaceOptions) -> Self {
        let backend = TestingBackend::new(TestingBackendOptions {
            mock_time: true,
            threading: false,
            renderer_name: Some("software".into()),
        });
        // A test that opens a second terminal finds the platform of the first.
        slint::platform::set_platform(Box::new(backend)).ok();
        let state = Rc::new(State {
            face: RefCell::new(Face::new(SampleDesk::default(), options, at(0))),
            seconds: Cell::new(0),
            effects: RefCell::default(),
            actions: RefCell::default(),
            taps: Cell::default(),
        });
        let screens = AppScreens::new({
            let state = Rc::clone(&state);
            move |action| state.handle(action)
        })
        .unwrap();
        screens.open().unwrap();
        let terminal = Self { screens, state };
        terminal.size(1280, 800);
        terminal.draw();
        terminal
    }

    pub fn at(route: Route) -> Self {
        Self::new(FaceOptions {
            route,
            place: "Kasse 1 · Lena".into(),
            shop: "Café Muster".into(),
            language: Language::English,
            look: Look::Light,
            demo: true,
            ..FaceOptions::default()
        })
    }

    /// Shows the model and lets every motion come to its end.
    pub fn draw(&self) {
        let model = self.state.face.borrow().model();
        self.screens.show(&model);
        for _ in 0..4 {
            mock_elapsed_time(Duration::from_millis(400));
        }
    }

    pub fn size(&self, width: u32, height: u32) {
        self.screens.window().set_size(PhysicalSize::new(width, height));
    }

    pub fn act(&self, action: UiAction) {
        self.state.handle(action);
        self.draw();
    }

    /// Shows what an action led to, and lets no time go by.
    pub fn act_without_drawing(&self, action: UiAction) {
        self.state.handle(action);
        let model = self.state.face.borrow().model();
        self.screens.show(&model);
        mock_elapsed_time(Duration::ZERO);
    }

    /// Another device of the shop says something.
    pub fn tell(&self, note: &Note) {
        let effects = self.state.face.borrow_mut().told(note, at(self.state.seconds.get()));
        self.state.effects.borrow_mut().extend(effects);
        self.draw();
    }

    pub fn scan(&self, text: &str) {
        self.act(UiAction::Scan(text.into()));
    }

    pub fn wait(&self, seconds: i64) {
        self.state.seconds.set(self.state.seconds.get() + seconds);
        self.act(UiAction::Tick);
    }

    pub fn face<T>(&self, look: impl FnOnce(&mut Face<SampleDesk>) -> T) -> T {
        look(&mut self.state.face.borrow_mut())
    }

    pub fn effects(&self) -> Vec<Effect> {
        self.state.effects.borrow().clone()
    }

    pub fn actions(&self) -> Vec<UiAction> {
        self.state.actions.borrow().clone()
    }

    /// All controls of a role.
    pub fn all(&self, role: AccessibleRole) -> Vec<ElementHandle> {
        ElementQuery::from_root(self.screens.component()).match_accessible_role(role).find_all()
    }

    /// The texts that have too little room.
    pub fn cut(&self) -> Vec<String> {
        self.screens.probe(true);
        self.draw();
        let query = ElementQuery::from_root(self.screens.component())
            .match_predicate(|element| element.accessible_id().is_some_and(|id| id == "cut"));
        let texts = query.find_all().into_iter().filter_map(|element| element.accessible_label());
        texts.map(|text| text.to_string()).collect()
    }

    /// The one element with this name.
    pub fn find(&self, label: &str) -> ElementHandle {
        let mut found = ElementHandle::find_by_accessible_label(self.screens.component(), label);
        found.next().unwrap_or_else(|| panic!("nothing is called {label:?}"))
    }

    pub fn sees(&self, label: &str) -> bool {
        ElementHandle::find_by_accessible_label(self.screens.component(), label).next().is_some()
    }

    /// Touches the control with this name, with a finger.
    pub fn tap(&self, label: &str) {
        self.draw();
        let found = ElementHandle::find_by_accessible_label(self.screens.component(), label)
            .find(|element| element.accessible_role() == Some(AccessibleRole::Button))
            .unwrap_or_else(|| panic!("no button is called {label:?}"));
        assert_ne!(found.accessible_enabled(), Some(false), "{label:?} cannot be pressed now");
        self.state.taps.set(self.state.taps.get() + 1);
        found.mock_single_click(PointerEventButton::Left);
        self.draw();
    }

    /// How often a control was touched.
    pub fn taps(&self) -> u32 {
        self.state.taps.get()
    }

    /// Touches a place, whatever lies there.
    pub fn touch(&self, (x, y): (f32, f32)) {
        let (window, position) = (self.screens.window(), slint::LogicalPosition::new(x, y));
        let button = PointerEventButton::Left;
        window.dispatch_event(WindowEvent::PointerMoved { position });
        window.dispatch_event(WindowEvent::PointerPressed { position, button });
        window.dispatch_event(WindowEvent::PointerReleased { position, button });
        self.draw();
    }

    /// Touches the middle of the field whose name is meant.
    pub fn touch_middle(&self, meant: impl Fn(&str) -> bool) {
        let fields = self.all(AccessibleRole::TextInput);
        let field = fields.iter().find(|field| field.accessible_label().is_some_and(|name| meant(&name)));
        let field = field.unwrap_or_else(|| panic!("no such field"));
        let (at, size) = (field.absolute_position(), field.size());
        self.touch((at.x + size.width / 2.0, at.y + size.height / 2.0));
    }

    pub fn key(&self, text: &str) {
        let window = self.screens.window();
        window.dispatch_event(WindowEvent::KeyPressed { text: text.into() });
        window.dispatch_event(WindowEvent::KeyReleased { text: text.into() });
        self.draw();
    }

    pub fn camera_frame(&self) {
        self.frame_with([(220.0, 140.0), (420.0, 140.0), (420.0, 340.0), (220.0, 340.0)], false);
    }

    /// Two cards in view, the nearer one held aslant.
    pub fn two_cards(&self) {
        self.frame_with([(236.0, 128.0), (432.0, 156.0), (404.0, 352.0), (208.0, 324.0)], true);
    }

    fn frame_with(&self, corners: [(f32, f32); 4], several: bool) {
        let (width, height) = (640_usize, 480_usize);
        let luma: Vec<u8> = (0..width * height)
            .map(|place| {
                let (x, y) = (place % width, place / width);
                let card = (220..420).contains(&x) && (140..340).contains(&y);
                let dot = ((x / 20) * 7 + (y / 20) * 13 + (x / 20) * (y / 20)) % 3 == 0;
                if card && dot {
                    30
                } else if card {
                    235
                } else {
                    70 + (x * 60 / width + y * 50 / height) as u8
                }
            })
            .collect();
        let corners = Some(corners);
        let frame = CameraFrame {
            width: 640,
            height: 480,
            luma: luma.into(),
            corners,
            several,
            decode_tenths_ms: Some(84),
            mirrored: false,
            quarter_turns: 0,
        };
        self.screens.camera_frame(&frame);
    }
}

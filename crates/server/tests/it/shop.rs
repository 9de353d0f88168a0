//! Catalogue, programmes, the demo, databases of other versions.

use stempel_domain::{Money, ProgrammeId, Rate};
use stempel_server::admin::{Imported, demo_guests};
use stempel_server::{Db, Error};
use stempel_wire::article::{Article, Photo};
use stempel_wire::message::FeedChange;

use crate::database;
use crate::world::{World, code, point, today};

const HEAD: &str = "sku,name,category,price,vat\n";

#[tokio::test]
async fn a_catalogue_is_imported_whole_or_not_at_all() {
    let world = World::new().await;
    let device = world.device(1).await;
    let file = format!("{HEAD}espresso,Espresso,coffee,2.40,19\ntea,Tee,tea,3.00,19\n");
    let imported = world.server.catalogue_import(world.tenant, &file).await.unwrap();
    assert_eq!(imported, Imported { added: 2, changed: 0, same: 0 });
    let head = world.feed(&device, 0).await.head;
    let wrong = format!("{HEAD}espresso,Espresso,coffee,2.60,19\ntea,Tee,tea,dear,19\n");
    let error = world.server.catalogue_import(world.tenant, &wrong).await.unwrap_err();
    assert!(error.to_string().contains("line 3, column 13"), "{error}");
    assert_eq!(world.feed(&device, 0).await.head, head);
    let dearer = file.replace("2.40", "2.60");
    let imported = world.server.catalogue_import(world.tenant, &dearer).await.unwrap();
    assert_eq!(imported, Imported { added: 0, changed: 1, same: 1 });
    let list = world.server.catalogue_list(world.tenant).await.unwrap();
    assert_eq!(list.iter().map(|article| article.name.as_str()).collect::<Vec<_>>(), ["Espresso", "Tee"]);
    let page = world.feed(&device, head).await;
    assert!(matches!(page.changes[0].read(), Some(FeedChange::Article(article)) if article.price.0 == 260));
}

#[tokio::test]
async fn an_article_is_changed_by_itself_and_not_over_somebody_else_s_change() {
    let world = World::new().await;
    let device = world.device(1).await;
    let file = format!("{HEAD}espresso,Espresso,coffee,2.40,19\ntea,Tee,tea,3.00,19\n");
    world.server.catalogue_import(world.tenant, &file).await.unwrap();
    let put = async |before: Option<&Article>, article: Article| {
        world.server.article_put(world.tenant, before, article).await
    };
    let before = world.server.article(world.tenant, &"espresso".parse().unwrap()).await.unwrap().unwrap();
    let photo = Article { photo: Photo::of(b"jpeg"), vat_away: Some(Rate(700)), ..before.clone() };
    put(Some(&before), photo.clone()).await.unwrap();
    let dearer = Article { price: Money(300), ..before.clone() };
    assert_eq!(code(&put(Some(&before), dearer.clone()).await.unwrap_err()), "article-changed");
    assert_eq!(code(&put(None, dearer).await.unwrap_err()), "article-changed");
    let new = Article::new("cake".parse().unwrap(), "Kuchen", Money(350), Rate(700));
    put(None, new).await.unwrap();
    // A table that does not name them leaves photo and rate, and each article its place.
    let imported = world.server.catalogue_import(world.tenant, &file.replace("2.40", "2.60")).await.unwrap();
    assert_eq!(imported, Imported { added: 0, changed: 1, same: 1 });
    let list = world.server.catalogue_list(world.tenant).await.unwrap();
    assert_eq!(list[0], Article { price: Money(260), ..photo });
    assert_eq!(
        list.iter().map(|article| article.name.as_str()).collect::<Vec<_>>(),
        ["Espresso", "Tee", "Kuchen"]
    );
    let page = world.feed(&device, 0).await;
    let told = page.changes.iter().filter_map(|item| item.read());
    assert!(told.into_iter().any(|change| change == FeedChange::Article(list[0].clone())));
    world.sound().await;
}

#[tokio::test]
async fn a_shop_changes_its_day_and_its_logo() {
    let world = World::new().await;
    let device = world.device(1).await;
    let (server, tenant, shop) = (&world.server, world.tenant, world.shop);
    let head = world.feed(&device, 0).await.head;
    let changed = server.shop_change(tenant, shop, " Café\u{7} Süd ", "Europe/Berlin", 270).await.unwrap();
    assert_eq!((&changed.name[..], changed.day_ends_minutes), ("Café Süd", 270));
    let page = world.feed(&device, head).await;
    assert_eq!(page.changes[0].read(), Some(FeedChange::Shop(changed)));
    for (name, minutes) in [("", 0), ("Süd", 24 * 60)] {
        assert!(server.shop_change(tenant, shop, name, "Europe/Berlin", minutes).await.is_err());
    }
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbaImage::from_pixel(1600, 800, image::Rgba([200, 30, 30, 128]))
        .write_to(&mut png, image::ImageFormat::Png)
        .unwrap();
    let png = png.into_inner();
    assert_eq!(code(&server.logo_set(tenant, shop, b"<svg/>".to_vec()).await.unwrap_err()), "picture");
    server.logo_set(tenant, shop, png.clone()).await.unwrap();
    let logo = server.logo_for_paper(tenant, None).await.unwrap().unwrap();
    let seen = image::load_from_memory(&logo).unwrap();
    assert_eq!((seen.width(), seen.height(), seen.color().has_alpha()), (400, 200, true));
    let other = server.tenant_add("Anderes Café", false).await.unwrap();
    assert_eq!(code(&server.logo_set(other, shop, png).await.unwrap_err()), "not-found");
    assert_eq!(server.logo(other, shop).await.unwrap(), None);
    server.logo_set(tenant, shop, Vec::new()).await.unwrap();
    assert_eq!(server.logo(tenant, shop).await.unwrap(), None);
}

#[tokio::test]
async fn a_programme_gets_a_new_version_only_when_it_changes() {
    let world = World::new().await;
    let device = world.device(1).await;
    let id: ProgrammeId = "coffee".parse().unwrap();
    let publish = |text: &'static str| world.server.programme_publish(world.tenant, &id, text);
    assert_eq!(publish("{\"a\":1}").await.unwrap().version, 1);
    assert_eq!(publish("{\"a\":1}").await.unwrap().version, 1);
    assert_eq!(publish("{\"a\":2}").await.unwrap().version, 2);
    assert_eq!(code(&publish("a = 1").await.unwrap_err()), "programme");
    let page = world.feed(&device, 0).await;
    let programmes: Vec<FeedChange> = page
        .changes
        .iter()
        .filter_map(|item| item.read())
        .filter(|change| matches!(change, FeedChange::Programme { .. }))
        .collect();
    assert!(matches!(&programmes[..], [FeedChange::Programme { reference, ended: false, .. }]
        if reference.version == 2));
    world.server.programme_end(world.tenant, &id).await.unwrap();
    assert!(world.server.programme_list(world.tenant).await.unwrap()[0].ended);
    assert_eq!(publish("{\"a\":2}").await.unwrap().version, 3);
    world.sound().await;
}

#[tokio::test]
async fn the_demo_is_made_once() {
    let world = World::new().await;
    let programmes = [("coffee".parse().unwrap(), "{}".to_owned())];
    let demo = world.server.init_demo(&programmes, articles(), &demo_guests()).await.unwrap();
    assert_eq!(world.server.init_demo(&programmes, articles(), &demo_guests()).await.unwrap(), demo);
    assert_eq!((demo.members.len(), demo.programmes.len()), (6, 1));
    assert_eq!(world.server.catalogue_list(demo.tenant).await.unwrap().len(), 14);
    let ada = world.server.member_find(demo.tenant, &demo.members[0].code.to_string()).await.unwrap();
    assert_eq!((ada.name.as_deref(), ada.balances[&point()].as_str()), (Some("Ada"), "42"));
    let report = world.server.verify(demo.tenant).await.unwrap();
    assert_eq!((report.problems, report.members), (Vec::new(), 6));
    assert_eq!(world.server.find_tenant(Some("Café Test")).await.unwrap(), world.tenant);
    assert!(world.server.find_tenant(None).await.is_err(), "there are two");
    assert!(today() > stempel_domain::Day::MIN);
}

#[tokio::test]
async fn a_database_of_a_later_version_is_left_alone() {
    let world = World::new().await;
    world.server.db().close().await;
    database::script(&world.url, "INSERT INTO schema_version (version) VALUES (999)").await;
    let error = Db::open(&world.url).await.unwrap_err();
    assert!(matches!(error, Error::Newer { found: 999, .. }), "{error}");
    assert!(error.to_string().contains("newer program"));
}

#[tokio::test]
async fn a_later_version_that_only_added_can_still_be_used() {
    let world = World::new().await;
    world.server.close().await;
    database::script(&world.url, "INSERT INTO schema_version (version, oldest) VALUES (999, 2)").await;
    let server = crate::world::open(&world.url, &world.clock, 4).await;
    assert_eq!(server.tenants().await.unwrap().len(), 1);
}

/// The catalogue of the sample shop.
fn articles() -> Vec<stempel_wire::message::Article> {
    stempel_wire::catalogue::read(include_str!("../../../../assets/demo/catalogue.csv")).unwrap()
}

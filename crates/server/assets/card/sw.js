// Keeps the card's page and files, so that it opens with no network. What the card says is kept by the page itself.
// VERSION is written before this file: with other files comes another version, and the old ones go.

const FILES = [
    "/card", "/assets/card.js", "/assets/qr.js", "/assets/stamp-1.svg",
    "/assets/stamp-2.svg", "/assets/stamp-3.svg", "/assets/cup-slot.svg", "/assets/cup-full.svg", "/assets/card-192.png",
];

self.addEventListener("install", (event) => {
    event.waitUntil((async () => {
        const cache = await caches.open(VERSION);
        await cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
        await self.skipWaiting();
    })());
});

self.addEventListener("activate", (event) => {
    event.waitUntil((async () => {
        for (const name of await caches.keys()) if (name !== VERSION) await caches.delete(name);
        await self.clients.claim();
    })());
});

self.addEventListener("fetch", (event) => {
    const url = new URL(event.request.url);
    const kept = url.origin === self.location.origin && FILES.includes(url.pathname) && !url.search;
    if (event.request.method !== "GET" || !kept) return;
    event.respondWith((async () => {
        const cache = await caches.open(VERSION);
        return (await cache.match(url.pathname)) ?? fetch(event.request);
    })());
});

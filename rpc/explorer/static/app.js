// What makes pages live. Without it they work, and show what is new when they are
// loaded again.
"use strict";
(() => {
	const body = document.body;
	const live = document.getElementById("live");
	const announce = document.getElementById("announce");
	const search = document.getElementById("q");

	// The node's clock, which need not be ours: what it was when the page was made,
	// and how long ago that is.
	let madeAt = Number(body.dataset.now), madeMark = performance.now();
	const now = () => madeAt + (performance.now() - madeMark) / 1000;

	// The words are those of agoText and durationText in format.go.
	const plural = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;
	function duration(s) {
		if (s < 60) return `${Math.floor(s)} s`;
		if (s < 3600) return `${Math.floor(s / 60)} min`;
		if (s < 172800) return `${Math.floor(s / 3600)} h`;
		return plural(Math.floor(s / 86400), "day");
	}
	function ago(s) {
		if (s < -60) return `in ${duration(-s)}`;
		if (s < 1) return "now";
		return `${duration(s)} ago`;
	}
	function tick() {
		for (const e of document.querySelectorAll("[data-ago]")) {
			const at = Date.parse(e.dataset.ago || e.getAttribute("datetime")) / 1000;
			const text = ago(now() - at);
			if (e.textContent !== text) e.textContent = text;
		}
	}
	setInterval(tick, 1000);

	// "/" goes to the search, Escape leaves it.
	document.addEventListener("keydown", (event) => {
		if (event.ctrlKey || event.metaKey || event.altKey) return;
		const at = document.activeElement;
		const typing = at && (at.matches("input, textarea, select") || at.isContentEditable);
		if (event.key === "/" && !typing) {
			event.preventDefault();
			search.focus();
			search.select();
		} else if (event.key === "Escape" && at === search) {
			search.blur();
		}
	});

	function copyButtons(root) {
		if (!navigator.clipboard) return;
		for (const e of root.querySelectorAll("[data-copy]")) {
			const button = document.createElement("button");
			button.type = "button";
			button.className = "copy";
			button.textContent = "Copy";
			button.addEventListener("click", async () => {
				try {
					await navigator.clipboard.writeText(e.dataset.copy);
					button.textContent = "Copied";
				} catch {
					button.textContent = "Not allowed";
				}
				setTimeout(() => { button.textContent = "Copy"; }, 1500);
			});
			e.append(button);
		}
	}
	copyButtons(document);

	if (!("live" in body.dataset) || !window.EventSource) return;

	// What has happened since the page was fetched last, by the names of events;
	// parts of the page say in data-live which of them concern them.
	let pending = new Set(), timer = 0, busy = false;
	const wanted = () => [...document.querySelectorAll("[data-live]")].some((e) =>
		(e.dataset.live || "").split(" ").some((name) => pending.has(name)));

	function later(name, wait) {
		pending.add(name);
		if (!timer) timer = setTimeout(refresh, wait);
	}

	// refresh fetches this page anew and takes over the parts that may have changed.
	async function refresh() {
		timer = 0;
		if (busy || document.hidden) return;
		if (!wanted()) {
			pending.clear();
			return;
		}
		busy = true;
		const happened = pending;
		pending = new Set();
		try {
			const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
			const page = new DOMParser().parseFromString(await answer.text(), "text/html");
			if (answer.ok && page.body.dataset.now) take(page, happened);
		} catch {
			for (const name of happened) pending.add(name);
		}
		busy = false;
		if (pending.size && !timer) timer = setTimeout(refresh, 700);
	}

	function take(page, happened) {
		for (const name of ["tipHeight", "tipHash", "now"]) body.dataset[name] = page.body.dataset[name] || "";
		madeAt = Number(body.dataset.now);
		madeMark = performance.now();
		for (const old of document.querySelectorAll("main [data-live]")) {
			const fresh = old.id && page.getElementById(old.id);
			if (!fresh || !old.dataset.live.split(" ").some((name) => happened.has(name))) continue;
			if (fresh.isEqualNode(old)) continue;
			replace(old, document.adoptNode(fresh));
		}
		live.textContent = page.getElementById("live").textContent;
		tick();
	}

	// replace keeps what a reader has done: what is open, scrolled and focused.
	function replace(old, fresh) {
		if (old.contains(getSelection().anchorNode) && !getSelection().isCollapsed) return;
		for (const e of old.querySelectorAll("details[open][id]")) {
			const same = fresh.querySelector(`#${CSS.escape(e.id)}`);
			if (same) same.open = true;
		}
		const known = new Set([...old.querySelectorAll("[data-key]")].map((e) => e.dataset.key));
		for (const e of fresh.querySelectorAll("[data-key]")) {
			if (!known.has(e.dataset.key)) e.classList.add("fresh");
		}
		const focused = old.contains(document.activeElement) ? document.activeElement : null;
		const href = focused && focused.getAttribute("href");
		const scrolled = [...old.querySelectorAll(".strip, .scroll")].map((e) => e.scrollLeft);
		old.replaceWith(fresh);
		[...fresh.querySelectorAll(".strip, .scroll")].forEach((e, i) => { e.scrollLeft = scrolled[i] || 0; });
		copyButtons(fresh);
		if (href) {
			const same = fresh.querySelector(`a[href="${CSS.escape(href)}"]`);
			if (same) same.focus({ preventScroll: true });
		}
	}

	function state(name, text) {
		live.dataset.state = name;
		if (text) live.textContent = text;
	}

	let source = null;
	function connect() {
		if (source || document.hidden) return;
		source = new EventSource("/events");
		source.addEventListener("hello", (event) => {
			state("live");
			// Something may have happened while nobody listened.
			const tip = JSON.parse(event.data);
			if (tip.hash !== body.dataset.tipHash) later("block", 0);
			later("tx", 50);
		});
		source.addEventListener("block", (event) => {
			const block = JSON.parse(event.data);
			state("live", `Tip is block ${block.height}`);
			announce.textContent = `Block ${block.height} was found`;
			later("block", 120);
		});
		source.addEventListener("tx", () => later("tx", 400));
		source.addEventListener("reorg", (event) => {
			const reorg = JSON.parse(event.data);
			announce.textContent = `The chain was reorganised: ${plural(reorg.depth, "block")} left it`;
			later("reorg", 120);
		});
		source.addEventListener("error", () => {
			state("lost", "Not connected");
			if (source && source.readyState === EventSource.CLOSED) {
				source = null;
				setTimeout(connect, 5000);
			}
		});
	}
	function disconnect() {
		if (source) source.close();
		source = null;
	}
	document.addEventListener("visibilitychange", () => document.hidden ? disconnect() : connect());
	window.addEventListener("pagehide", disconnect);
	window.addEventListener("pageshow", connect);
	setInterval(() => { if (document.querySelector('[data-live~="beat"]')) later("beat", 0); }, 5000);
	connect();
})();

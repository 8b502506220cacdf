package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a page of a browser, which complains to the test.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu   sync.Mutex
	host string          // that requests may go to
	bad  []string        // what the browser has complained of
	from map[string]bool // hosts that it has sent requests to
}

// open starts a browser and ends it with the test.
func open(t *testing.T, site string) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("there is no Chromium: install the package chromium")
	}
	at, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "keelson-browser-")
	if err != nil {
		t.Fatal(err)
	}
	// Parts of the browser still write for a moment when it has ended.
	t.Cleanup(func() {
		for start := time.Now(); os.RemoveAll(profile) != nil && time.Since(start) < patience; {
			time.Sleep(50 * time.Millisecond)
		}
	})
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.DisableGPU,
		chromedp.WindowSize(1280, 1000),
		// Nothing but the explorer is asked for anything.
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("no-pings", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.WSURLReadTimeout(patience),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it refuses root otherwise
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)

	b := &tab{t: t, ctx: ctx, host: at.Host, from: map[string]bool{}}
	chromedp.ListenTarget(ctx, b.listen)
	b.run(network.Enable(), cdplog.Enable(), runtime.Enable())
	t.Cleanup(b.complain)
	return b
}

func (b *tab) run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatalf("browser: %v\n%s", err, strings.Join(b.complaints(), "\n"))
	}
}

// listen notes what a page must not do.
func (b *tab) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.note("a script failed: %s", e.ExceptionDetails.Error())
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.LevelError || e.Entry.Level == cdplog.LevelWarning {
			b.note("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		b.note("the console was written to: %s", e.Type)
	case *page.EventJavascriptDialogOpening:
		b.note("a dialog was opened: %s", e.Message)
	case *network.EventRequestWillBeSent:
		at, err := url.Parse(e.Request.URL)
		if err != nil || at.Host != b.host {
			b.note("a request went to %s", e.Request.URL)
		}
	}
}

func (b *tab) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bad = append(b.bad, fmt.Sprintf(format, args...))
}

func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.bad...)
}

// complain fails the test for what the browser has reported.
func (b *tab) complain() {
	for _, text := range b.complaints() {
		b.t.Error(text)
	}
}

// pardon takes a complaint that was expected off the list, or fails.
func (b *tab) pardon(part string) {
	b.t.Helper()
	b.await("the browser complains of "+part, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		for i, text := range b.bad {
			if strings.Contains(text, part) {
				b.bad = append(b.bad[:i], b.bad[i+1:]...)
				return true
			}
		}
		return false
	})
}

// visit opens a page and waits until it is there.
func (b *tab) visit(address string) {
	b.t.Helper()
	b.run(chromedp.Navigate(address), chromedp.WaitReady("body[data-page]", chromedp.ByQuery))
}

// eval returns what an expression of JavaScript is in the page.
func eval[T any](b *tab, expression string) (v T) {
	b.t.Helper()
	var raw []byte
	b.run(chromedp.Evaluate(expression, &raw))
	if err := json.Unmarshal(raw, &v); err != nil {
		b.t.Fatalf("%s: %v in %q", expression, err, raw)
	}
	return v
}

// holds reports whether an expression of JavaScript is true in the page.
func (b *tab) holds(expression string) bool {
	b.t.Helper()
	return eval[bool](b, "(() => { try { return !!("+expression+") } catch { return false } })()") // a page may be half there
}

// await waits until something is so.
func (b *tab) await(what string, so func() bool) {
	b.t.Helper()
	for start := time.Now(); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > patience {
			b.t.Fatalf("it does not happen that %s; the page is %s\n%s", what, eval[string](b, "location.href + ' ' + document.body.innerText.slice(0, 2000)"), strings.Join(b.complaints(), "\n"))
		}
	}
}

// becomes waits until an expression of JavaScript is true in the page.
func (b *tab) becomes(what, expression string) {
	b.t.Helper()
	b.await(what, func() bool { return b.holds(expression) })
}

// listening waits until the page hears of what happens, and marks it: a page that
// is loaded anew has no mark.
func (b *tab) listening() {
	b.t.Helper()
	b.becomes("the page listens", `document.getElementById("live").dataset.state === "live"`)
	b.run(chromedp.Evaluate(`window.mark = "the same page"; 0`, nil))
}

// sameas fails if the page was loaded anew since listening.
func (b *tab) stillThere() {
	b.t.Helper()
	if !b.holds(`window.mark === "the same page"`) {
		b.t.Error("the page was loaded anew")
	}
}

// picture leaves a picture of the page for a person, if one wants it.
func (b *tab) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("KEELSON_SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	b.run(chromedp.FullScreenshot(&png, 100))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

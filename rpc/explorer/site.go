package explorer

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed static
var staticFiles embed.FS

// site is what pages are made of.
type site struct {
	pages   map[string]*template.Template
	static  map[string][]byte
	version string // of the static files: it changes with them
}

// page is what a template is given.
type page struct {
	Title string
	Name  string // of the template, and of the entry in the navigation
	Data  any

	// What complete adds.
	Network, Unit, Subversion string
	Assets                    string
	Tip                       wire.BlockRef
	Now                       time.Time
	Live, Starting            bool
}

// complete fills in what all pages have.
func (r *request) complete(p *page) {
	p.Network, p.Unit, p.Subversion = r.s.cfg.Params.Name, r.s.cfg.Params.CoinUnit, r.s.cfg.Subversion
	p.Assets, p.Now = r.s.site.version, r.now
	if r.n == nil {
		p.Starting = true
		return
	}
	p.Live = p.Name != "error"
	p.Tip = r.n.Ledger.Tip().Tip
}

func newSite() (*site, error) {
	s := &site{pages: map[string]*template.Template{}, static: map[string][]byte{}}
	frame, err := template.New("frame").Funcs(functions).ParseFS(pageFiles, "pages/frame.html", "pages/parts.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, err
	}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "frame" || name == "parts" {
			continue
		}
		t, err := frame.Clone()
		if err == nil {
			t, err = t.ParseFS(pageFiles, file)
		}
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		s.pages[name] = t
	}
	sum := sha256.New()
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		body, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			return nil, err
		}
		s.static[e.Name()] = body
		sum.Write(body)
	}
	s.version = hex.EncodeToString(sum.Sum(nil)[:6])
	return s, nil
}

func (s *site) render(w io.Writer, p *page) error {
	t := s.pages[p.Name]
	if t == nil {
		return fmt.Errorf("no page %s", p.Name)
	}
	return t.ExecuteTemplate(w, "frame.html", p)
}

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// serveStatic sends a file. Pages name it with its version, under which it never
// changes.
func (s *site) serveStatic(w http.ResponseWriter, r *http.Request, name string) {
	body, ok := s.static[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only for reading", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", contentTypes[path.Ext(name)])
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.RawQuery == "v="+s.version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // nobody is there to be told
	}
}

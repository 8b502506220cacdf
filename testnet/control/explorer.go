package control

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/keelson-chain/keelson/internal/httplog"
)

// targetKey is under what a request's context has the address of an explorer.
type targetKey struct{}

// newExplorer passes requests on to the explorer of the first node that runs. Its
// stream of events comes through as it is written.
func (s *Server) newExplorer() http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			address, _ := r.In.Context().Value(targetKey{}).(string)
			r.SetURL(&url.URL{Scheme: "http", Host: address})
			r.Out.Host = r.In.Host // which the explorer checks, and compares with where forms come from
			r.Out.Header.Del("Authorization")
		},
		Transport:     s.nodes,
		FlushInterval: -1,
		ErrorLog:      httplog.Quiet(s.cfg.Log),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			plain(w, http.StatusBadGateway, "The explorer does not answer: "+err.Error())
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, ok := s.live(); ok {
			proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), targetKey{}, n.ExplorerAddress)))
			return
		}
		plain(w, http.StatusServiceUnavailable, "No node of the test network runs: keelson testnet restart starts one.")
	})
}

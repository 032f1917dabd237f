package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
)

//go:embed assets
var assetFiles embed.FS

// asset is an embedded file of the page.
type asset struct {
	kind string
	etag string
	body []byte
}

func loadAssets() map[string]asset {
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic("web: assets are missing: " + err.Error())
	}
	out := map[string]asset{}
	for _, e := range entries {
		body, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			panic("web: asset can't be read: " + err.Error())
		}
		sum := sha256.Sum256(body)
		out[e.Name()] = asset{kind: kindOf(e.Name()), etag: `"` + hex.EncodeToString(sum[:12]) + `"`, body: body}
	}
	return out
}

// kindOf does not ask the system's tables for the kinds the page needs: with nosniff
// a wrong one would break it.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}

// asset is GET /assets/{name}. A browser keeps the file and asks whether it changed.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := s.assets[r.PathValue("name")]
	if !ok {
		fail(w, r, http.StatusNotFound, "There is no such file.", "")
		return
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", a.etag)
	if r.Header.Get("If-None-Match") == a.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(a.body)
}

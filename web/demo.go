package web

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"strconv"
)

// Demo switches the faults of a demo. Its methods may be called from any goroutine.
type Demo interface {
	// Faults are the buttons in the order to be shown.
	Faults() []FaultButton
	// SetFault switches one; the error says in words why it can't be.
	SetFault(name, arg string, on bool) error
}

// FaultButton is one fault of a demo.
type FaultButton struct {
	Name, Arg   string // e.g. "charger-kill", "CP3"
	Label, Help string // for people
	On          bool
}

// faultOrder is the body of POST /api/v1/demo/faults, as JSON or as a form.
type faultOrder struct {
	Name string `json:"name"`
	Arg  string `json:"arg,omitempty"`
	On   bool   `json:"on"`
}

// setFault is POST /api/v1/demo/faults. Forms are answered with a redirect to the
// page, so that the buttons work without JavaScript.
func (s *Server) setFault(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Demo == nil {
		fail(w, r, http.StatusNotFound, "Faults can be switched in a demo only.", "Start \"busbar demo\".")
		return
	}
	order, form, err := readFault(w, r)
	if err != nil {
		fail(w, r, http.StatusBadRequest, "The fault can't be read: "+err.Error(),
			`Send {"name":"cloud-cut","on":true}, with "arg" where the fault needs one.`)
		return
	}
	if err := s.cfg.Demo.SetFault(order.Name, order.Arg, order.On); err != nil {
		fail(w, r, http.StatusBadRequest, err.Error(), "The faults known are listed at GET /api/v1/demo/faults.")
		return
	}
	s.cfg.Logger.Info("fault switched", "fault", order.Name, "arg", order.Arg, "on", order.On)
	if form {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	s.faults(w, r)
}

// faults is GET /api/v1/demo/faults.
func (s *Server) faults(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Demo == nil {
		fail(w, r, http.StatusNotFound, "Faults can be switched in a demo only.", "Start \"busbar demo\".")
		return
	}
	out := []faultDTO{}
	for _, f := range s.cfg.Demo.Faults() {
		out = append(out, faultDTO(f))
	}
	reply(w, out)
}

// readFault takes JSON and forms. A body that is an object is JSON whatever its kind
// says: that is what curl -d sends.
func readFault(w http.ResponseWriter, r *http.Request) (order faultOrder, form bool, err error) {
	body, err := readBody(w, r)
	if err != nil {
		return order, false, err
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" || bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return order, false, strictJSON(body, &order)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return order, true, err
	}
	on, err := strconv.ParseBool(values.Get("on"))
	return faultOrder{Name: values.Get("name"), Arg: values.Get("arg"), On: on}, true, err
}

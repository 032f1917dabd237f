package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"busbar/controller"
)

// route is one entry of the route table, which makes the multiplexer and
// openapi.json.
type route struct {
	method, path string
	access       access
	role         controller.Role // the least that a token must have; "" is viewer
	serve        http.HandlerFunc
	summary      string
	query        []string // names of parameters
	body         any      // example of the JSON body, nil if none
	answer       any      // zero value of the JSON answer, nil if it is not JSON
}

// maxBody bounds what a request may send.
const maxBody = 16 << 10

// table is every route there is.
func (s *Server) table() []route {
	get, post, del := http.MethodGet, http.MethodPost, http.MethodDelete
	return slices.Concat(s.doorRoutes(), s.serviceRoutes(), []route{
		{method: get, path: "/{$}", access: accessRead, serve: s.home, summary: "Live page"},
		{method: get, path: "/assets/{name}", access: accessOpen, serve: s.asset, summary: "Files of the page"},
		{method: get, path: "/healthz", access: accessOpen, serve: s.healthz, summary: "The process answers"},
		{method: get, path: "/readyz", access: accessOpen, serve: s.readyz, summary: "Control loop runs and the database can be written"},
		{method: get, path: "/metrics", access: accessRead, serve: s.scrape.ServeHTTP, summary: "Measures for Prometheus"},
		{method: get, path: "/api/v1/openapi.json", access: accessRead, serve: s.openapi, summary: "This description"},
		{method: get, path: "/api/v1/stream", access: accessRead, serve: s.stream, summary: "Live updates of the page (Server-Sent Events)"},
		{method: get, path: "/api/v1/status", access: accessRead, serve: s.status, summary: "The figures of the report", answer: statusDTO{}},
		{method: get, path: "/api/v1/site", access: accessRead, serve: s.site, summary: "The site, its link to the cloud, its alarms", answer: siteDTO{}},
		{method: get, path: "/api/v1/circuits", access: accessRead, serve: s.circuits, summary: "Fuses with their currents", answer: []circuitDTO{}},
		{method: get, path: "/api/v1/meters", access: accessRead, serve: s.meters, summary: "Meters with their last reading", answer: []meterDTO{}},
		{method: get, path: "/api/v1/chargers", access: accessRead, serve: s.chargers, summary: "Chargers", answer: []chargerDTO{}},
		{method: get, path: "/api/v1/connectors", access: accessRead, serve: s.connectors, summary: "Connectors by slot, with the reason of their limit", answer: []connectorDTO{}},
		{method: get, path: "/api/v1/transactions", access: accessRead, serve: s.transactions, summary: "Transactions, newest first", query: []string{"n"}, answer: []transactionDTO{}},
		{method: get, path: "/api/v1/outbox", access: accessRead, serve: s.outbox, summary: "What waits for the cloud", answer: outboxDTO{}},
		{method: get, path: "/api/v1/events", access: accessRead, serve: s.events, summary: "Newest lines of the event log, newest last", query: []string{"n"}, answer: []eventDTO{}},
		{method: post, path: "/api/v1/connectors/{n}/start", access: accessWrite, role: controller.RoleOperator, serve: s.start, summary: "Start a transaction", body: startOrder{}, answer: commandDTO{}},
		{method: post, path: "/api/v1/connectors/{n}/stop", access: accessWrite, role: controller.RoleOperator, serve: s.stop, summary: "Stop the running transaction", body: emptyOrder{}, answer: commandDTO{}},
		{method: post, path: "/api/v1/connectors/{n}/unlock", access: accessWrite, role: controller.RoleOperator, serve: s.unlock, summary: "Unlock the plug", body: emptyOrder{}, answer: commandDTO{}},
		{method: post, path: "/api/v1/connectors/{n}/limit", access: accessWrite, role: controller.RoleOperator, serve: s.limit, summary: "Limit the current, or lift the limit (null)", body: limitOrder{}, answer: commandDTO{}},
		{method: post, path: "/api/v1/connectors/{n}/departure", access: accessWrite, role: controller.RoleOperator, serve: s.departure, summary: "Tell when the car leaves and what it needs, until its transaction ends; {} forgets", body: departureOrder{}, answer: commandDTO{}},
		{method: post, path: "/api/v1/supplies/{id}/state", access: accessWrite, role: controller.RoleOperator, serve: s.supplyState, summary: "Say in which state a supply is: its limits hold at once", body: supplyOrder{}, answer: commandDTO{}},
		{method: post, path: "/api/v1/chargers/{id}/call/{action}", access: accessWrite, role: controller.RoleAdmin, serve: s.call, summary: "Send any OCPP call to a charger, for support and tests", query: []string{"unchecked"}, body: struct{}{}, answer: callResultDTO{}},
		{method: get, path: "/api/v1/ocpp-log", access: accessRead, role: controller.RoleAdmin, serve: s.ocppLog, summary: "Newest OCPP calls with their answers, newest last, without secrets; the uplink is charger upstream", query: []string{"charger", "action", "direction", "n"}, answer: []LoggedCall{}},
		{method: get, path: "/api/v1/tokens", access: accessWrite, role: controller.RoleAdmin, serve: s.tokens, summary: "Access tokens, without the tokens themselves", answer: []tokenDTO{}},
		{method: post, path: "/api/v1/tokens", access: accessWrite, role: controller.RoleAdmin, serve: s.createToken, summary: "Make an access token; it is shown this once", body: tokenOrder{}, answer: newTokenDTO{}},
		{method: del, path: "/api/v1/tokens/{id}", access: accessWrite, role: controller.RoleAdmin, serve: s.revokeToken, summary: "Revoke an access token", answer: tokenDTO{}},
		{method: post, path: "/api/v1/outbox/{id}/resend", access: accessWrite, role: controller.RoleOperator, serve: s.resend, summary: "Send the parked messages of a transaction again", body: emptyOrder{}, answer: resendDTO{}},
		{method: get, path: "/api/v1/config", access: accessRead, role: controller.RoleInstaller, serve: s.config, summary: "The running configuration without secrets; YAML where that is asked for (Accept)", answer: json.RawMessage{}},
		{method: get, path: "/api/v1/demo/faults", access: accessDemo, serve: s.faults, summary: "Faults of the demo", answer: []faultDTO{}},
		{method: post, path: "/api/v1/demo/faults", access: accessDemo, serve: s.setFault, summary: "Switch a fault of the demo", body: faultOrder{}, answer: []faultDTO{}},
	})
}

// doorRoutes are those about who comes in: people and chargers.
func (s *Server) doorRoutes() []route {
	get, post := http.MethodGet, http.MethodPost
	order := func(path, summary string, serve http.HandlerFunc, body any) route {
		return route{method: post, path: path, access: accessWrite, role: controller.RoleInstaller, serve: serve, summary: summary, body: body, answer: commandDTO{}}
	}
	return []route{
		{method: get, path: "/sign-in", access: accessOpen, serve: s.signInPage, summary: "Form that takes an access token"},
		{method: post, path: "/sign-in", access: accessOpen, serve: s.signIn, summary: "Sign a browser in: its cookie carries the access token from then on", body: signInOrder{}},
		{method: post, path: "/sign-out", access: accessOpen, serve: s.signOut, summary: "Sign a browser out", body: emptyOrder{}},
		{method: get, path: "/api/v1/adoption", access: accessRead, serve: s.adoption, summary: "How chargers come in: pairing window, who waits, who was refused and why, what each known one has", answer: adoptionDTO{}},
		{method: get, path: "/api/v1/certificates", access: accessRead, serve: s.certificates, summary: "Root certificates of the site with their fingerprints, and the certificates of chargers", answer: certificatesDTO{}},
		{method: get, path: "/api/v1/site-ca/{algorithm}", access: accessRead, serve: s.siteCA, summary: "Root certificate to be installed on chargers, as a PEM file (ecdsa or rsa)"},
		order("/api/v1/certificates/{serial}/revoke", "Revoke a charger's certificate for good", s.revoke, revokeOrder{}),
		order("/api/v1/adoption/pairing", "Let unknown chargers come for a while, also without TLS; or end that", s.pairing, pairingOrder{}),
		order("/api/v1/chargers/{id}/approve", "Let an unknown charger in with a key of its own, or turn it away", s.approve, approveOrder{}),
		order("/api/v1/chargers/{id}/forget", "Take a charger's key and certificates away; it has to be approved again", s.accessOrder(s.forget), emptyOrder{}),
		order("/api/v1/chargers/{id}/rotate-key", "Give a charger a new key", s.accessOrder(s.rotateKey), emptyOrder{}),
		order("/api/v1/chargers/{id}/break-glass", "Make valid again what was valid before a charger's key", s.accessOrder(s.breakGlass), emptyOrder{}),
		order("/api/v1/chargers/{id}/security-profile", "Raise a charger to TLS (2) or certificates (3); the event log has what became of it", s.raise, profileOrder{}),
	}
}

// least is the role that a token needs for r.
func (r route) least() controller.Role {
	if r.role == "" {
		return controller.RoleViewer
	}
	return r.role
}

// reply answers 200 with JSON.
func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // a client that left gets no answer
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// readyz names no cause to strangers: the log has it.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if err := s.cfg.Ready(); err != nil {
		s.cfg.Logger.Warn("not ready", "err", err)
		fail(w, r, http.StatusServiceUnavailable, "The box is not ready.", "Its log says why.")
		return
	}
	s.healthz(w, r)
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) { reply(w, s.cfg.Status()) }

func (s *Server) site(w http.ResponseWriter, _ *http.Request) { reply(w, newSiteDTO(s.snapshot())) }

func (s *Server) circuits(w http.ResponseWriter, _ *http.Request) {
	reply(w, each(s.snapshot().Nodes, newCircuitDTO))
}

func (s *Server) meters(w http.ResponseWriter, _ *http.Request) {
	reply(w, each(s.snapshot().Meters, newMeterDTO))
}

func (s *Server) chargers(w http.ResponseWriter, _ *http.Request) {
	reply(w, each(s.snapshot().Chargers, newChargerDTO))
}

func (s *Server) connectors(w http.ResponseWriter, _ *http.Request) {
	reply(w, each(s.snapshot().Connectors, newConnectorDTO))
}

func (s *Server) outbox(w http.ResponseWriter, r *http.Request) {
	d := newOutboxDTO(s.snapshot().Outbox)
	if s.cfg.Parked != nil && d.Parked > 0 {
		lanes, err := s.cfg.Parked(r.Context(), listUsual)
		if err != nil {
			s.cfg.Logger.Error("cannot list parked messages", "err", err)
			fail(w, r, http.StatusInternalServerError, "The outbox can't be read.", "The log says why.")
			return
		}
		d.ParkedTransactions = each(lanes, func(p controller.ParkedLane) parkedDTO { return parkedDTO{Transaction: int64(p.Tx), Error: p.Err} })
	}
	reply(w, d)
}

// Bounds of ?n=, the length of a list.
const (
	listUsual = 100
	listMost  = 1000
)

// length reads ?n=; if it can't, it answers.
func length(w http.ResponseWriter, r *http.Request) (int, bool) {
	text := r.URL.Query().Get("n")
	if text == "" {
		return listUsual, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > listMost {
		fail(w, r, http.StatusBadRequest, "The length of the list, n, can't be read.", fmt.Sprintf("Give a whole number from 1 to %d.", listMost))
		return 0, false
	}
	return n, true
}

func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	n, ok := length(w, r)
	if !ok {
		return
	}
	if s.cfg.Events == nil {
		log := s.snapshot().Log
		reply(w, each(log[max(0, len(log)-n):], newEventDTO))
		return
	}
	lines, err := s.cfg.Events(r.Context(), n)
	if err != nil {
		s.cfg.Logger.Error("cannot list events", "err", err)
		fail(w, r, http.StatusInternalServerError, "The event log can't be read.", "The program's log says why.")
		return
	}
	reply(w, each(lines, newEventDTO))
}

func (s *Server) transactions(w http.ResponseWriter, r *http.Request) {
	n, ok := length(w, r)
	if !ok {
		return
	}
	if s.cfg.Transactions == nil {
		reply(w, []transactionDTO{})
		return
	}
	rows, err := s.cfg.Transactions(r.Context(), n)
	if err != nil {
		s.cfg.Logger.Error("cannot list transactions", "err", err)
		fail(w, r, http.StatusInternalServerError, "The transactions can't be read.", "The log says why.")
		return
	}
	reply(w, each(rows, newTransactionDTO))
}

// each converts a list; an empty one is [] in JSON, never null.
func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, 0, len(in))
	for _, a := range in {
		out = append(out, f(a))
	}
	return out
}

// strictJSON decodes one JSON value; unknown fields and trailing data are errors.
func strictJSON(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}

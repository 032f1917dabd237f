package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"busbar/controller"
)

// The bodies of the services of a charger, the same for all versions of OCPP.
type (
	resetOrder struct {
		Hard bool `json:"hard"` // at once; else when its transactions have ended
	}
	triggerOrder struct {
		Message   string `json:"message"` // such as "StatusNotification"
		Connector int    `json:"connector,omitempty"`
	}
	compositeOrder struct {
		Connector int    `json:"connector"`
		For       string `json:"for"` // duration such as "1h"
	}
	retryOrder struct {
		Retries    int    `json:"retries,omitempty"`
		RetryAfter string `json:"retry_after,omitempty"` // duration such as "1m"
	}
	logOrder struct {
		Location   string    `json:"location"` // URL of a folder to upload to
		Security   bool      `json:"security,omitempty"`
		Since      time.Time `json:"since,omitzero"`
		Until      time.Time `json:"until,omitzero"`
		Retries    int       `json:"retries,omitempty"`
		RetryAfter string    `json:"retry_after,omitempty"`
	}
	firmwareOrder struct {
		Location    string    `json:"location"` // URL to download from
		RetrieveAt  time.Time `json:"retrieve_at,omitzero"`
		InstallAt   time.Time `json:"install_at,omitzero"`
		Certificate string    `json:"certificate,omitempty"` // PEM, with a signature: the secure update
		Signature   string    `json:"signature,omitempty"`   // base64
		Retries     int       `json:"retries,omitempty"`
		RetryAfter  string    `json:"retry_after,omitempty"`
	}
	reserveOrder struct {
		Connector     int       `json:"connector"`
		ReservationID int       `json:"reservation_id"`
		IDToken       string    `json:"id_token"`
		TokenType     string    `json:"token_type,omitempty"`
		Parent        string    `json:"parent,omitempty"`
		Until         time.Time `json:"until"`
	}
	cancelOrder struct {
		ReservationID int `json:"reservation_id"`
	}
	listOrder struct {
		Version int              `json:"version"`
		Full    bool             `json:"full"` // replaces the list; else it is amended
		Entries []listEntryOrder `json:"entries"`
	}
	listEntryOrder struct {
		IDToken   string    `json:"id_token"`
		TokenType string    `json:"token_type,omitempty"`
		Status    string    `json:"status,omitempty"` // such as "Accepted"; empty: taken off the list
		Parent    string    `json:"parent,omitempty"`
		Expiry    time.Time `json:"expiry,omitzero"`
	}
	transferOrder struct {
		Vendor  string  `json:"vendor"`
		Message string  `json:"message,omitempty"`
		Data    *string `json:"data,omitempty"`
	}
	rootOrder struct {
		Use string `json:"use"`           // "csms" or "manufacturer"
		PEM string `json:"pem,omitempty"` // to install
	}
	certificateOrder struct {
		Algorithm      string `json:"algorithm"` // "SHA256", "SHA384", "SHA512"
		IssuerNameHash string `json:"issuer_name_hash"`
		IssuerKeyHash  string `json:"issuer_key_hash"`
		Serial         string `json:"serial"`
	}
	serviceDTO struct {
		Status    string          `json:"status"`
		Reason    string          `json:"reason"`
		Data      json.RawMessage `json:"data,omitempty"`       // what the charger told
		RequestID int             `json:"request_id,omitempty"` // of a log or an update
	}
)

const (
	longestURL    = 512 // of OCPP 2.0.1
	serviceWithin = 30 * time.Second
	mostEntries   = 1000
)

// serviceMaker reads the body of a service.
type serviceMaker func(body []byte) (controller.Command, error)

// service is one of the services: its name in the path, what it does, how its body is
// read.
type service struct {
	name, summary string
	body          any // for openapi.json
	make          serviceMaker
}

// services are all of them.
func services() []service {
	return []service{
		{"reset", "Restart a charger, by default when its transactions have ended", resetOrder{}, of(resetOrder.command)},
		{"trigger", "Have a charger send a message", triggerOrder{}, of(triggerOrder.command)},
		{"clear-cache", "Clear a charger's authorization cache", emptyOrder{}, of(plain(controller.CommandClearCache))},
		{"composite-schedule", "Ask what limit holds at a charger", compositeOrder{}, of(compositeOrder.command)},
		{"log", "Have a charger upload a log", logOrder{}, of(logOrder.command)},
		{"firmware", "Have a charger update itself", firmwareOrder{}, of(firmwareOrder.command)},
		{"reserve", "Reserve a connector for a token", reserveOrder{}, of(reserveOrder.command)},
		{"cancel-reservation", "End a reservation", cancelOrder{}, of(cancelOrder.command)},
		{"list-version", "Ask for the version of a charger's own list of tokens", emptyOrder{}, of(plain(controller.CommandListVersion))},
		{"send-list", "Replace or amend a charger's own list of tokens", listOrder{}, of(listOrder.command)},
		{"transfer", "Send a charger data of its vendor", transferOrder{}, of(transferOrder.command)},
		{"install-certificate", "Install a root certificate on a charger", rootOrder{}, of(rootOrder.install)},
		{"list-certificates", "List the root certificates of a charger", rootOrder{}, of(rootOrder.list)},
		{"delete-certificate", "Delete a root certificate of a charger", certificateOrder{}, of(certificateOrder.command)},
	}
}

// serviceRoutes has one for each.
func (s *Server) serviceRoutes() []route {
	return each(services(), func(v service) route {
		return route{method: http.MethodPost, path: "/api/v1/chargers/{id}/service/" + v.name, access: accessWrite, role: controller.RoleInstaller,
			serve: func(w http.ResponseWriter, r *http.Request) { s.service(w, r, v) }, summary: v.summary, body: v.body, answer: serviceDTO{}}
	})
}

// of reads a body into its order first.
func of[O any](make func(O) (controller.Command, error)) serviceMaker {
	return func(body []byte) (controller.Command, error) {
		var o O
		if len(body) > 0 {
			if err := strictJSON(body, &o); err != nil {
				return controller.Command{}, err
			}
		}
		return make(o)
	}
}

func plain(kind controller.CommandKind) func(emptyOrder) (controller.Command, error) {
	return func(emptyOrder) (controller.Command, error) { return controller.Command{Kind: kind}, nil }
}

func (o resetOrder) command() (controller.Command, error) {
	return controller.Command{Kind: controller.CommandReset, Hard: o.Hard}, nil
}

func (o cancelOrder) command() (controller.Command, error) {
	return controller.Command{Kind: controller.CommandCancelReservation, Detail: controller.CancelDetail{ReservationID: o.ReservationID}}, nil
}

func (o triggerOrder) command() (controller.Command, error) {
	if n := utf8.RuneCountInString(o.Message); n == 0 || n > 100 || o.Connector < 0 {
		return controller.Command{}, errors.New("message names no OCPP message, or connector is below 0")
	}
	return controller.Command{Kind: controller.CommandTrigger, Message: o.Message, Connector: o.Connector}, nil
}

func (o compositeOrder) command() (controller.Command, error) {
	span, err := time.ParseDuration(o.For)
	if err != nil || span < time.Second || span > 7*24*time.Hour || o.Connector < 0 {
		return controller.Command{}, errors.New("for is no duration from 1s to 168h, or connector is below 0")
	}
	return controller.Command{Kind: controller.CommandComposite, Connector: o.Connector, Detail: controller.CompositeDetail{For: span}}, nil
}

// retry reads how often a charger tries again.
func (o retryOrder) retry() (controller.Retry, error) {
	r := controller.Retry{Times: o.Retries}
	if o.Retries < 0 || o.Retries > 100 {
		return r, errors.New("retries is not 0 to 100")
	}
	if o.RetryAfter == "" {
		return r, nil
	}
	var err error
	if r.After, err = time.ParseDuration(o.RetryAfter); err != nil || r.After < time.Second || r.After > 24*time.Hour {
		return r, errors.New("retry_after is no duration from 1s to 24h")
	}
	return r, nil
}

// location checks a URL that a charger is to use.
func location(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || len(text) > longestURL:
		return fmt.Errorf("location is no URL of at most %d characters", longestURL)
	case !slices.Contains([]string{"http", "https", "ftp", "ftps", "sftp"}, strings.ToLower(u.Scheme)):
		return errors.New("location is neither http, https, ftp, ftps nor sftp")
	}
	return nil
}

func (o logOrder) command() (controller.Command, error) {
	retry, err := retryOrder{o.Retries, o.RetryAfter}.retry()
	if err = errors.Join(location(o.Location), err); err != nil {
		return controller.Command{}, err
	}
	if !o.Until.IsZero() && o.Until.Before(o.Since) {
		return controller.Command{}, errors.New("until is before since")
	}
	return controller.Command{Kind: controller.CommandLog, Detail: controller.LogDetail{RequestID: requestID(), Security: o.Security, Location: o.Location, Since: o.Since, Until: o.Until, Retry: retry}}, nil
}

func (o firmwareOrder) command() (controller.Command, error) {
	retry, err := retryOrder{o.Retries, o.RetryAfter}.retry()
	if err = errors.Join(location(o.Location), err); err != nil {
		return controller.Command{}, err
	}
	if (o.Certificate == "") != (o.Signature == "") {
		return controller.Command{}, errors.New("certificate and signature go together")
	}
	if o.RetrieveAt.IsZero() {
		o.RetrieveAt = time.Now()
	}
	return controller.Command{Kind: controller.CommandFirmware, Detail: controller.FirmwareDetail{RequestID: requestID(), Location: o.Location,
		RetrieveAt: o.RetrieveAt, InstallAt: o.InstallAt, Certificate: o.Certificate, Signature: o.Signature, Retry: retry}}, nil
}

// requestID is one that no job of the last years has.
func requestID() int { return int(time.Now().Unix() & (1<<31 - 1)) }

// tokenOf checks an idToken.
func tokenOf(value, kind string) (controller.IDToken, error) {
	if n := utf8.RuneCountInString(value); n == 0 || n > longestToken || utf8.RuneCountInString(kind) > longestToken {
		return controller.IDToken{}, fmt.Errorf("id_token is not 1 to %d characters long", longestToken)
	}
	return controller.IDToken{Value: value, Type: controller.TokenType(kind)}, nil
}

func (o reserveOrder) command() (controller.Command, error) {
	token, err := tokenOf(o.IDToken, o.TokenType)
	if err != nil {
		return controller.Command{}, err
	}
	if !o.Until.After(time.Now()) || o.Connector < 0 {
		return controller.Command{}, errors.New("until is not in the future, or connector is below 0")
	}
	return controller.Command{Kind: controller.CommandReserve, Connector: o.Connector, Token: token,
		Detail: controller.ReserveDetail{ReservationID: o.ReservationID, Until: o.Until, Parent: o.Parent}}, nil
}

func (o listOrder) command() (controller.Command, error) {
	if o.Version < 1 || len(o.Entries) > mostEntries {
		return controller.Command{}, fmt.Errorf("version is below 1, or there are more than %d entries", mostEntries)
	}
	d := controller.ListDetail{Version: o.Version, Full: o.Full}
	for i, e := range o.Entries {
		token, err := tokenOf(e.IDToken, e.TokenType)
		if err != nil {
			return controller.Command{}, fmt.Errorf("entry %d: %w", i+1, err)
		}
		entry := controller.ListEntry{Token: token}
		if e.Status != "" {
			entry.Info = &controller.TokenInfo{Status: controller.TokenStatus(e.Status), Parent: e.Parent, Expiry: e.Expiry}
		}
		d.Entries = append(d.Entries, entry)
	}
	return controller.Command{Kind: controller.CommandSendList, Detail: d}, nil
}

func (o transferOrder) command() (controller.Command, error) {
	if n := utf8.RuneCountInString(o.Vendor); n == 0 || n > 255 {
		return controller.Command{}, errors.New("vendor is not 1 to 255 characters long")
	}
	return controller.Command{Kind: controller.CommandTransfer, Detail: controller.TransferDetail{Vendor: o.Vendor, Message: o.Message, Data: o.Data}}, nil
}

func (o rootOrder) use() (controller.CertificateUse, error) {
	switch o.Use {
	case "csms":
		return controller.UseCentralSystem, nil
	case "manufacturer":
		return controller.UseManufacturer, nil
	}
	return "", errors.New(`use is neither "csms" nor "manufacturer"`)
}

func (o rootOrder) install() (controller.Command, error) {
	use, err := o.use()
	if err == nil && !strings.Contains(o.PEM, "-----BEGIN CERTIFICATE-----") {
		err = errors.New("pem is no certificate in PEM")
	}
	return controller.Command{Kind: controller.CommandInstallCert, Detail: controller.CertificateDetail{Use: use, PEM: o.PEM}}, err
}

func (o rootOrder) list() (controller.Command, error) {
	use, err := o.use()
	return controller.Command{Kind: controller.CommandListCerts, Detail: controller.CertificateDetail{Use: use}}, err
}

func (o certificateOrder) command() (controller.Command, error) {
	if !slices.Contains([]string{"SHA256", "SHA384", "SHA512"}, o.Algorithm) || o.IssuerNameHash == "" || o.IssuerKeyHash == "" || o.Serial == "" {
		return controller.Command{}, errors.New("algorithm, issuer_name_hash, issuer_key_hash and serial are those of list-certificates")
	}
	return controller.Command{Kind: controller.CommandDeleteCert, Detail: controller.CertificateID{Algorithm: o.Algorithm, IssuerNameHash: o.IssuerNameHash, IssuerKeyHash: o.IssuerKeyHash, Serial: o.Serial}}, nil
}

// service is POST /api/v1/chargers/{id}/service/…: v for one charger.
func (s *Server) service(w http.ResponseWriter, r *http.Request, v service) {
	id := r.PathValue("id")
	if !slices.ContainsFunc(s.cfg.Site.Snapshot().Chargers, func(c controller.ChargerView) bool { return string(c.Station) == id }) {
		fail(w, r, http.StatusNotFound, "There is no charger "+strconv.Quote(id)+".", "The chargers are listed at GET /api/v1/chargers; ids are case-sensitive.")
		return
	}
	body, err := readUpTo(w, r, maxCall)
	var command controller.Command
	if err == nil {
		command, err = v.make(body)
	}
	if err != nil {
		fail(w, r, http.StatusBadRequest, "The body can't be used: "+strings.ReplaceAll(err.Error(), "\n", "; ")+".", "The fields of "+v.name+" are in /api/v1/openapi.json; times are RFC 3339, durations such as 90s or 1h.")
		return
	}
	if !s.audit(w, r, "service", id, "the service "+v.name+" was asked for") {
		return
	}
	command.Station, command.Within = controller.StationID(id), serviceWithin
	s.serviced(w, r, command)
}

// serviced sends a command of service and answers with what the charger said.
func (s *Server) serviced(w http.ResponseWriter, r *http.Request, command controller.Command) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	answer, ok := s.ask(ctx, w, r, func(id controller.ReplyID) controller.Event {
		return controller.ServiceRequested{Reply: id, Origin: controller.FromLocal, Command: command}
	})
	if !ok {
		return
	}
	switch {
	case strings.HasPrefix(answer.Status, "Accepted"), slices.Contains([]string{"RebootRequired", "Scheduled"}, answer.Status):
		out := serviceDTO{Status: answer.Status, Reason: answer.Reason, Data: answer.Data}
		switch d := command.Detail.(type) {
		case controller.LogDetail:
			out.RequestID = d.RequestID
		case controller.FirmwareDetail:
			out.RequestID = d.RequestID
		}
		reply(w, out)
	default:
		fail(w, r, http.StatusConflict, strings.TrimSuffix(answer.Status+": "+answer.Reason, ": "), "The log of OCPP calls (GET /api/v1/ocpp-log) shows what the charger said.")
	}
}

package web

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"busbar/controller"
)

// serviceBodies are a good body for each service.
func serviceBodies() map[string]string {
	return map[string]string{
		"reset":               `{"hard":true}`,
		"trigger":             `{"message":"StatusNotification","connector":1}`,
		"clear-cache":         ``,
		"composite-schedule":  `{"connector":1,"for":"1h"}`,
		"log":                 `{"location":"https://files.example/up/","security":true,"retries":3,"retry_after":"1m"}`,
		"firmware":            `{"location":"ftp://files.example/fw.bin"}`,
		"reserve":             `{"connector":1,"reservation_id":7,"id_token":"04AB","until":"2099-01-01T00:00:00Z"}`,
		"cancel-reservation":  `{"reservation_id":7}`,
		"list-version":        `{}`,
		"send-list":           `{"version":3,"full":true,"entries":[{"id_token":"04AB","status":"Accepted"},{"id_token":"04AC"}]}`,
		"transfer":            `{"vendor":"Sparks","message":"light","data":"on"}`,
		"install-certificate": `{"use":"csms","pem":"-----BEGIN CERTIFICATE-----\n…"}`,
		"list-certificates":   `{"use":"manufacturer"}`,
		"delete-certificate":  `{"algorithm":"SHA256","issuer_name_hash":"aa","issuer_key_hash":"bb","serial":"1"}`,
	}
}

// TestServicesBecomeCommands: what reaches the control loop of each, audited before.
func TestServicesBecomeCommands(t *testing.T) {
	data := "on"
	want := map[string]controller.Command{
		"reset":              {Kind: controller.CommandReset, Hard: true},
		"trigger":            {Kind: controller.CommandTrigger, Message: "StatusNotification", Connector: 1},
		"clear-cache":        {Kind: controller.CommandClearCache},
		"cancel-reservation": {Kind: controller.CommandCancelReservation, Detail: controller.CancelDetail{ReservationID: 7}},
		"list-version":       {Kind: controller.CommandListVersion},
		"send-list": {Kind: controller.CommandSendList, Detail: controller.ListDetail{Version: 3, Full: true, Entries: []controller.ListEntry{
			{Token: controller.IDToken{Value: "04AB"}, Info: &controller.TokenInfo{Status: "Accepted"}}, {Token: controller.IDToken{Value: "04AC"}}}}},
		"transfer":           {Kind: controller.CommandTransfer, Detail: controller.TransferDetail{Vendor: "Sparks", Message: "light", Data: &data}},
		"list-certificates":  {Kind: controller.CommandListCerts, Detail: controller.CertificateDetail{Use: controller.UseManufacturer}},
		"delete-certificate": {Kind: controller.CommandDeleteCert, Detail: controller.CertificateID{Algorithm: "SHA256", IssuerNameHash: "aa", IssuerKeyHash: "bb", Serial: "1"}},
	}
	for name, body := range serviceBodies() {
		b := newBox(picture(t0))
		var audited []controller.Audited
		var asked []controller.ServiceRequested
		b.answer = func(ev controller.Event) (controller.AnswerBody, error) {
			switch ev := ev.(type) {
			case controller.Audited:
				audited = append(audited, ev)
			case controller.ServiceRequested:
				asked = append(asked, ev)
			}
			return controller.CommandAnswer{Status: "Accepted", Data: json.RawMessage(`5`)}, nil
		}
		w := ask(rig(b), "POST", "/api/v1/chargers/CP1/service/"+name, body, bearer)
		if w.Code != 200 || len(audited) != 1 || len(asked) != 1 {
			t.Errorf("%s: %d %s, audited %v, asked %v", name, w.Code, w.Body, audited, asked)
			continue
		}
		if audited[0].Code != "audit.service" || audited[0].Subject != "CP1" || !strings.Contains(audited[0].Text, name) {
			t.Errorf("%s: audited %+v", name, audited[0])
		}
		if !strings.Contains(w.Body.String(), `"data":5`) {
			t.Errorf("%s: %s", name, w.Body)
		}
		got := asked[0].Command
		if got.Station != "CP1" || got.Within != serviceWithin {
			t.Errorf("%s: %+v", name, got)
		}
		got.Station, got.Within = "", 0
		if c, ok := want[name]; ok && !reflect.DeepEqual(got, c) {
			t.Errorf("%s: %+v, want %+v", name, got, c)
		}
		if jobs := name == "log" || name == "firmware"; jobs != strings.Contains(w.Body.String(), "request_id") {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
}

// TestServicesRefuseWhatCannotBe, say why, and leave no trace in the audit log.
func TestServicesRefuseWhatCannotBe(t *testing.T) {
	for _, c := range []struct {
		path, body, says string
		code             int
	}{
		{"CP1/service/reset", `{"hard":"yes"}`, "hard", 400},
		{"CP1/service/reset", `{"soft":true}`, "soft", 400},
		{"CP1/service/trigger", `{}`, "message", 400},
		{"CP1/service/composite-schedule", `{"for":"soon"}`, "duration", 400},
		{"CP1/service/log", `{"location":"nowhere"}`, "URL", 400},
		{"CP1/service/log", `{"location":"file:///etc/passwd"}`, "URL", 400},
		{"CP1/service/log", `{"location":"gopher://x/y"}`, "neither http", 400},
		{"CP1/service/log", `{"location":"https://x/","retries":1000}`, "retries", 400},
		{"CP1/service/log", `{"location":"https://x/","since":"2026-01-02T00:00:00Z","until":"2026-01-01T00:00:00Z"}`, "before since", 400},
		{"CP1/service/firmware", `{"location":"https://x/","signature":"aa"}`, "together", 400},
		{"CP1/service/reserve", `{"id_token":"A","until":"2001-01-01T00:00:00Z"}`, "future", 400},
		{"CP1/service/reserve", `{"until":"2099-01-01T00:00:00Z"}`, "id_token", 400},
		{"CP1/service/send-list", `{"version":0}`, "version", 400},
		{"CP1/service/send-list", `{"version":1,"entries":[{}]}`, "entry 1", 400},
		{"CP1/service/install-certificate", `{"use":"csms"}`, "PEM", 400},
		{"CP1/service/list-certificates", `{"use":"mine"}`, "manufacturer", 400},
		{"CP1/service/delete-certificate", `{}`, "list-certificates", 400},
		{"NONE/service/reset", ``, "no charger", 404},
		{"CP1/service/dance", ``, "", 404},
	} {
		b := newBox(picture(t0))
		b.answer = func(ev controller.Event) (controller.AnswerBody, error) {
			t.Errorf("%s %s: %+v", c.path, c.body, ev)
			return controller.CommandAnswer{}, nil
		}
		w := ask(rig(b), "POST", "/api/v1/chargers/"+c.path, c.body, bearer)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s: %d %s", c.path, c.body, w.Code, w.Body)
		}
	}
	b := newBox(picture(t0))
	b.answer = func(ev controller.Event) (controller.AnswerBody, error) {
		return controller.CommandAnswer{Status: "Rejected", Reason: "the charger is not connected"}, nil
	}
	if w := ask(rig(b), "POST", "/api/v1/chargers/CP1/service/reset", "", bearer); w.Code != 409 || !strings.Contains(w.Body.String(), "not connected") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

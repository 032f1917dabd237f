package ocpplog

import (
	"encoding/json"
	"strings"
	"testing"

	"busbar/ocpp"
)

// TestSecretsNeverLeave: no message may show "S3cret", whatever it is wrapped in.
func TestSecretsNeverLeave(t *testing.T) {
	for _, payload := range []string{
		`{"key":"AuthorizationKey","value":"S3cret"}`,
		`{"value":"S3cret","key":"AuthorizationKey"}`,
		`{"Key":"authorizationkey","Value":"S3cret"}`,
		`{"configurationKey":[{"key":"AuthorizationKey","readonly":false,"value":"S3cret"},{"key":"X","readonly":false,"value":"1"}]}`,
		`{"configurationKey":[{"key":"Slot17.AuthorizationKey","readonly":false,"value":"S3cret"}]}`,
		`{"key":"FtpPassword","value":"S3cret"}`, `{"key":"WifiPSK","value":"x"}`,
		`{"setVariableData":[{"attributeType":"Actual","attributeValue":"S3cret","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}`,
		`{"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"S3cret","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}`,
		`{"reportData":[{"component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"},"variableAttribute":[{"type":"Actual","value":"S3cret"}]}]}`,
		`{"eventData":[{"actualValue":"S3cret","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword","instance":"1"}}]}`,
		`{"connectionData":{"ocppCsmsUrl":"wss://x","basicAuthPassword":"S3cret","apn":{"apn":"net","apnPassword":"S3cret","simPin":53},"vpn":{"server":"s","user":"S3cret","password":"S3cret","key":"S3cret","type":"PPTP"}}}`,
		`{"location":"ftp://diag:S3cret@files.example/in"}`,
		`{"location":"https://S3cret@files.example/in"}`,
		`{"location":"https://files.example/in?X-Sig=S3cret&expires=7"}`,
		`{"data":"{\"password\":\"S3cret\"}"}`, `{"data":"password=S3cret;x=1"}`, `{"data":"set AuthorizationKey: S3cret"}`, `{"data":{"wifi":{"passphrase":"S3cret"}}}`,
		`{"data":"[{\"a\":{\"apiKey\":\"S3cret\"}}]"}`,
		`{"certificate":"-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\nS3cret\n-----END EC PRIVATE KEY-----"}`,
		`{"x":"-----BEGIN PRIVATE KEY-----\nS3cret"}`,
		`{"password":"","password":"S3cret"}`, `{"a":{"key":"x","key":"AuthorizationKey","value":"S3cret"}}`,
		`{"password":["S3cret",{"x":"S3cret"}]}`, `{"secret":{"x":"S3cret"}}`, `{"pass_word":12345,"pin":"S3cret"}`, `S3cret`, `{"a":S3cret}`,
	} {
		for _, show := range []bool{false, true} {
			l := filled(call(0, true, "1", "Any", payload), answer(1, false, "1", payload))
			got := l.Calls(Filter{ShowTokens: show})[0]
			for _, text := range []json.RawMessage{got.Payload, got.Result} {
				if strings.Contains(string(text), "S3cret") || strings.Contains(string(text), "12345") || !json.Valid(text) {
					t.Errorf("%s became %s", payload, text)
				}
			}
		}
	}
}

func TestErrorsShowNoSecrets(t *testing.T) {
	e := answer(1, false, "1", "")
	e.Frame.Type, e.Frame.Code, e.Frame.Description, e.Frame.Details = ocpp.TypeCallError, ocpp.CodeInternalError, "bad password=S3cret", json.RawMessage(`{"authorizationKey":"S3cret"}`)
	e.Err = "password: S3cret"
	got := filled(call(0, true, "1", "Any", `{}`), e).Calls(Filter{})[0]
	if text := got.Error.Error() + string(got.Error.Details) + got.Note; strings.Contains(text, "S3cret") {
		t.Errorf("got %s", text)
	}
	if string(e.Frame.Details) != `{"authorizationKey":"S3cret"}` {
		t.Error("the entry itself was changed")
	}
}

func TestTokensAreMasked(t *testing.T) {
	for payload, want := range map[string]string{
		`{"idTag":"04A1B2C3D49C","connectorId":1}`:                                                                           `{"idTag":"•••D49C","connectorId":1}`,
		`{"idTagInfo":{"status":"Accepted","parentIdTag":"PARENT0815"}}`:                                                     `{"idTagInfo":{"status":"Accepted","parentIdTag":"•••0815"}}`,
		`{"idToken":{"idToken":"DE*ABC*1234","type":"eMAID","additionalInfo":[{"additionalIdToken":"X123456","type":"x"}]}}`: `{"idToken":{"idToken":"•••1234","type":"eMAID","additionalInfo":[{"additionalIdToken":"•••3456","type":"x"}]}}`,
		`{"localAuthorizationList":[{"idTag":"AB"}]}`:                                                                        `{"localAuthorizationList":[{"idTag":"••"}]}`,
		`{"data":"idTag=04A1B2C3"}`:                                                                                          `{"data":"idTag=•••B2C3"}`,
	} {
		l := filled(call(0, false, "1", "Any", payload))
		if got := string(l.Calls(Filter{})[0].Payload); got != want {
			t.Errorf("%s became %s, want %s", payload, got, want)
		}
		if got := string(l.Calls(Filter{ShowTokens: true})[0].Payload); got != payload {
			t.Errorf("%s became %s for somebody who may see tokens", payload, got)
		}
	}
}

// TestOtherMessagesKeepTheirBytes: support reads what was really sent.
func TestOtherMessagesKeepTheirBytes(t *testing.T) {
	for _, payload := range []string{
		`{ "connectorId" : 1, "meterValue":[ {"timestamp":"2026-03-01T14:00:00Z","sampledValue":[{"value":"12.50"}]} ] }`,
		`{"key":["AuthorizationKey"]}`, `{"unknownKey":["AuthorizationKey"],"configurationKey":[{"key":"MeterValueSampleInterval","readonly":false,"value":"10"}]}`,
		`{"limit":16.0,"x":1e3,"n":null,"b":true}`, `{}`, `{"data":"[1, 2]"}`, `{"location":"ftp://files.example/in"}`,
		`{"certificateChain":"-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----"}`,
		`{"variable":{"name":"Available"},"attributeValue":"true"}`,
	} {
		if got := string(filled(call(0, false, "1", "Any", payload)).Calls(Filter{})[0].Payload); got != payload {
			t.Errorf("%s became %s", payload, got)
		}
	}
}

// FuzzClean: whatever comes, what goes out is JSON, and a password by its name is not
// in it.
func FuzzClean(f *testing.F) {
	f.Add(`{"key":"AuthorizationKey","value":"x"}`)
	f.Add(`{"a":[1,{"idTag":"04A1B2C3"},"[{\"b\":2}]"],"a ":null}`)
	f.Add(`{"data":"{\"password\": [\"x\"]}"}`)
	f.Fuzz(func(t *testing.T, payload string) {
		wrapped, err := json.Marshal(map[string]string{"basicAuthPassword": "S3cretS3cret", "data": strings.ReplaceAll(payload, "S3cret", "")})
		if err != nil {
			t.Fatal(err) // text can always be marshalled
		}
		for _, raw := range []json.RawMessage{json.RawMessage(payload), wrapped} {
			got := cleaner{}.message(raw)
			if len(raw) > 0 && !json.Valid(got) {
				t.Fatalf("%q became %q", raw, got)
			}
			if string(raw) == string(wrapped) && strings.Contains(string(got), "S3cret") {
				t.Fatalf("%q became %q", raw, got)
			}
		}
	})
}

package conformance

import (
	"encoding/json"
	"strings"

	"busbar/ocpp"
)

// usual is what a willing station answers.
func usual(p ocpp.Protocol, r *ocpp.Request) string {
	if p != ocpp.V16 {
		return usual2(r)
	}
	switch r.Action {
	case "GetConfiguration":
		return `{"configurationKey":[{"key":"SupportedFeatureProfiles","readonly":true,"value":"Core,SmartCharging,RemoteTrigger"},{"key":"ChargingScheduleAllowedChargingRateUnit","readonly":true,"value":"Current"}]}`
	case "GetLocalListVersion":
		return `{"listVersion":0}`
	case "GetDiagnostics":
		return `{"fileName":"diagnostics.zip"}`
	case "UpdateFirmware":
		return `{}`
	case "UnlockConnector":
		return `{"status":"Unlocked"}`
	}
	return `{"status":"Accepted"}`
}

func usual2(r *ocpp.Request) string {
	type item struct {
		Component json.RawMessage `json:"component"`
		Variable  json.RawMessage `json:"variable"`
	}
	var req struct {
		Get []item `json:"getVariableData"`
		Set []item `json:"setVariableData"`
	}
	_ = json.Unmarshal(r.Payload, &req)
	var out []string
	switch r.Action {
	case "GetVariables":
		for _, v := range req.Get {
			value := `"1"`
			if strings.Contains(string(v.Variable), "ItemsPerMessage") {
				value = `"4"`
			}
			out = append(out, `{"attributeStatus":"Accepted","attributeValue":`+value+`,"component":`+string(v.Component)+`,"variable":`+string(v.Variable)+`}`)
		}
		return `{"getVariableResult":[` + strings.Join(out, ",") + `]}`
	case "SetVariables":
		for _, v := range req.Set {
			out = append(out, `{"attributeStatus":"Accepted","component":`+string(v.Component)+`,"variable":`+string(v.Variable)+`}`)
		}
		return `{"setVariableResult":[` + strings.Join(out, ",") + `]}`
	case "GetLocalListVersion":
		return `{"versionNumber":0}`
	case "GetTransactionStatus":
		return `{"messagesInQueue":false}`
	case "UnlockConnector":
		return `{"status":"Unlocked"}`
	case "GetCompositeSchedule":
		return `{"status":"Rejected"}`
	}
	return `{"status":"Accepted"}`
}

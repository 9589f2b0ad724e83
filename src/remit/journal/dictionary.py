"""The preset dictionary of record compression: byte strings that small records have in common.

A dictionary is part of the stored format: it is never edited, only followed by another number.
"""

DICTIONARY_1 = b"".join(
    [
        b'{"type":"RunStarted","agent":"","spec":"","user":"","session":"","input":[{"kind":"text","text":"","origin":{"kind":"user"}}],',
        b'"continues":null,"parent":"run_0","parent_call":"c","root":"run_0","depth":1,"deadline_ms":17,"environment":"dev",',
        b'"prices":[{"model":"anthropic:claude-sonnet-4-5-20250929","input":3000000000,"output":15000000000,"cache_read":300000000,',
        b'"cache_write":3750000000,"context_tokens":200000,"version":""}],"accounts":[{"account":"run:run_0","limit":5000000000}]}',
        b'{"type":"RunEnded","status":"stopped","status":"completed","reason":"answered","detail":"","output":"","success":true,"turns":',
        b'{"type":"ApprovalRequested","approval":"run_0","call":"c","tool":"","digest":"","needed":1,"rule":"","reason":"","expires_ms":17',
        b'{"type":"ApprovalGiven","approval":"","digest":"","principal":"","channel":"console","comment":""}',
        b'{"type":"ToolFailed","call":"c","kind":"error","text":"","rule":"","latency_ms":}',
        b'{"type":"ModelFailed","call":"c","kind":"rate_limited","detail":"","status":429,"retry_after_ms":1000,"latency_ms":}',
        b'{"type":"RetryPlanned","call":"c","attempt":2,"at_ms":17}',
        b'{"kind":"thinking","text":"","signature":"","origin":{"kind":"model","name":""}}',
        b'"effect":"deny","effect":"ask","rule":"remit.approvals","risk":"high","access":"write","resources":["',
        b'],"stop":"end","usage":{"input":1,"output":1,"cache_read":1,"cache_write":1,"reasoning":1},"model":"","provider_id":"msg_0',
        b'{"causes":[{"kind":"tool","count":4,"now_ms":17}],"events":[',
        b'{"type":"ToolCompleted","call":"c1","text":"","artifact":"","artifact_bytes":,"latency_ms":1},',
        b'{"type":"ModelRequested","call":"c1","attempt":1,"model":"anthropic:claude-sonnet-4-5-20250929","messages":1,"digest":"',
        b'","max_output_tokens":4096,"input_bound":1,"holds":[{"account":"run:run_0|total|nano","amount":1,"limit":5000000000},',
        b'{"account":"run:run_0|total|tokens","amount":1,"limit":}]}]}',
        b'{"causes":[{"kind":"model","count":4,"now_ms":17}],"events":[{"type":"ModelCompleted","call":"c1","parts":[',
        b'{"kind":"text","text":"","origin":{"kind":"model","name":""}},{"kind":"call","call":"c2","provider_id":"toolu_01","tool":"","arguments":"{\\"path\\":\\"\\"}"',
        b',"origin":{"kind":"model","name":""}}],"stop":"tools","usage":{"input":1,"output":1},"model":"","provider_id":"msg_01","latency_ms":1,"cost":1,',
        b'"posts":[{"account":"run:run_0|total|nano","amount":1},{"account":"run:run_0|total|tokens","amount":1}]},',
        b'{"type":"CallJudged","call":"c2","tool":"","digest":"","effect":"allow","rule":"builtin.read","reason":"reads are allowed","principal":"local","access":"read","risk":"low"},',
        b'{"type":"ToolQueued","call":"c2"},{"type":"ToolRequested","call":"c2","until_ms":17}]}',
    ]
)

"""Wrong gateways: killed during publications, they lose what they acknowledged, or publish it twice."""

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong

_ONE_OF_THEM = "-r3"
"""One of the offers that the crash case sends twice, once before the kill and once after."""


@wrong("crash/restart-amid-publications", "loses acknowledged publications when it is killed")
async def loses_acknowledged_publications(seen: Seen, forward: Forward) -> Answer:
    if seen.publishes and seen.path.endswith(_ONE_OF_THEM) and not seen.memory.get(seen.path):
        seen.memory[seen.path] = True
        return json_answer(202, {"receipt": "r" + "A" * 30, "verdict": "pending"})
    return await forward(seen)


@wrong("crash/restart-amid-publications", "accepts a publication sent again after its restart as another change")
async def repeats_a_publication(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    again = seen.publishes and seen.path.endswith(_ONE_OF_THEM) and (answered.json or {}).get("verdict") == "duplicate"
    if again and not seen.memory.get(seen.path):
        seen.memory[seen.path] = True
        await forward(seen.carrying({**seen.json, "revision": seen.json["revision"] + 1}))
    return answered

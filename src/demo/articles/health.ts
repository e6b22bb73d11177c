/** Health and fitness: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const health: readonly ArticleText[] = [
  {
    id: 801,
    title: 'When to see a doctor about a cough',
    body: 'A cough after a cold may last three weeks and needs no medicine. See your physician if it brings up blood, if you are short of breath, or if a fever comes back after it had gone. Honey in warm water soothes as well as syrup does. A doctor listens to the lungs and asks about fever and smoking before choosing a treatment.',
  },
  {
    id: 802,
    title: 'Fever in adults',
    body: 'A raised temperature is the body at work. Drink plenty, rest, and take paracetamol if you feel wretched. Call the doctor above 39.5 degrees, after three days, or with a stiff neck. The high temperature itself is seldom dangerous; the physician looks for what causes it.',
  },
  {
    id: 803,
    title: 'Cold or influenza',
    body: 'A cold creeps up with a runny nose; flu strikes within hours with fever, aching limbs and a head like lead. Both are viruses, against which antibiotics do nothing. Stay at home and drink. A high temperature that comes overnight speaks for influenza, and old people should then call their physician.',
  },
  {
    id: 804,
    title: 'Sore throat',
    body: 'Gargling salt water, cool drinks and lozenges ease a raw throat for the week that it lasts. White spots on the tonsils with fever, and no cough, are a reason to be tested for bacteria. A doctor or physician can test the throat within minutes.',
  },
  {
    id: 805,
    title: 'Finish your antibiotics?',
    body: 'Take the medicine exactly as the physician wrote it, at even hours, and do not keep the rest for next time. Stopping or stretching doses on your own account breeds germs that no drug can kill. Doctors prescribe them against bacteria, not against a cold or cough with fever.',
  },
  {
    id: 807,
    title: 'Lower back pain',
    body: 'Nine of ten backaches go away in six weeks, and moving helps more than lying in bed. Warmth and short walks ease the muscles. Numb legs or trouble passing water mean hospital today. A back that hurts again and again needs stronger muscles and fewer hours in a chair.',
  },
  {
    id: 808,
    title: 'Desk work and a stiff neck',
    body: 'Raise the screen to the height of your eyes, rest your elbows, and stand up every half hour. Roll the shoulders ten times. The best posture is the next one. Neck, shoulders and back hurt when muscles hold the same position for hours.',
  },
  {
    id: 809,
    title: 'Strengthening the core',
    body: 'A plank for thirty seconds, a bridge and the bird-dog, three rounds, three times a week. A strong middle carries the spine and prevents pain better than any belt. People whose back hurts in the evening notice a difference after six weeks of exercise.',
  },
  {
    id: 810,
    title: 'Lifting without hurting yourself',
    body: 'Stand close, feet apart, bend knees and hips, and keep the load near your belly. Turn with the feet and never with a twisted back. Ask for help with anything that you hesitate before. A back hurts for weeks after one careless lift, so pack boxes small.',
  },
  {
    id: 812,
    title: 'Starting to run',
    body: 'Walk two minutes, run one, ten times over, three days a week. Add a minute of jogging each week and you will run half an hour after two months. Shin pain means that you added too much. Beginners need a plan with rest days, since jogging every day hurts joints that are not used to it.',
  },
  {
    id: 813,
    title: 'Running shoes',
    body: "Choose the pair that feels right in the first minute; tests of your stride predict little. A thumb's width in front of the toes, and a new pair every eight hundred kilometres. Beginners who start jogging need one good pair and no other equipment for running.",
  },
  {
    id: 814,
    title: 'Sprained ankle',
    body: 'Stop, cool it for ten minutes at a time, wrap it and put the foot up. If you cannot take four steps, have it X-rayed. Balance exercises afterwards keep you from twisting it again. Joggers and footballers hurt this joint more often than any other.',
  },
  {
    id: 815,
    title: 'Sore muscles after exercise',
    body: 'The ache that comes the day after training is tiny tears, not acid, and gone by the third day. Gentle movement and warmth help, stretching does not. Start with half next time. Beginners who exercise twice a week have sore legs for a month at most.',
  },
  {
    id: 816,
    title: 'How much exercise is enough?',
    body: 'Two and a half hours a week of walking fast enough to breathe harder, and twice something that makes muscles work. Stairs count. The largest gain is from nothing to a little. A weekly plan helps beginners: jogging on two days, weights on one, walking on the rest.',
  },
  {
    id: 818,
    title: 'Lying awake at night',
    body: 'Get up after twenty minutes without sleep, read something dull under a dim light, and go back when you yawn. Rise at the same time every day, weekends too. Trying hard to fall asleep keeps you awake. Insomnia feeds on worry about insomnia, and old remedies such as counting sheep only pass the time.',
  },
  {
    id: 819,
    title: 'Better sleep without pills',
    body: 'A cool dark bedroom, no coffee after lunch, no screens in the last hour. Sleeping tablets work for two weeks and then mostly trouble. Insomnia that lasts for months responds well to a short course of talking therapy. Herbal remedies for insomnia do little, while regular sleep and a dark bedroom do a lot.',
  },
  {
    id: 820,
    title: 'Snoring',
    body: 'Lying on the back lets the tongue fall. Sleep on your side, lose weight if there is some to lose, and skip the late wine. Pauses in breathing and tired days want a check at a sleep clinic. Remedies from the pharmacy, sprays and nose clips help few who snore in their sleep.',
  },
  {
    id: 822,
    title: 'High blood pressure',
    body: 'Most people feel nothing until it has done harm. Measure sitting down, after five quiet minutes, for a week. Less salt, less alcohol and a brisk walk a day lower it as far as one tablet does. Doctors treat blood pressure because it harms heart, brain and kidneys.',
  },
  {
    id: 823,
    title: 'Cholesterol in short',
    body: 'The number alone says little; age, smoking and blood pressure decide. Oats, nuts and olive oil bring it down a tenth. Whether you need pills is a talk to have with your GP. Blood vessels harden slowly, and the heart pays for it decades later.',
  },
  {
    id: 824,
    title: 'Chest pain is an emergency',
    body: 'Pressure behind the breastbone that spreads into the arm or the jaw, with cold sweat, is a heart attack until proved otherwise. Call an ambulance, do not drive, and chew an aspirin if you are not allergic. Heart attacks in women often begin with back pain, nausea and fear.',
  },
  {
    id: 825,
    title: 'Recognising a stroke',
    body: 'Ask the person to smile, to lift both arms and to repeat a sentence. A drooping face, a sinking arm or slurred speech means calling the emergency number now: every minute costs brain. Blood clots in the brain can be dissolved in the first hours, in hospital.',
  },
  {
    id: 827,
    title: 'Headache or migraine',
    body: 'Tension squeezes the whole head like a band; migraine throbs on one side, with nausea and a wish for the dark. Painkillers on more than ten days a month cause headaches themselves. Pain that strikes like lightning, the worst of your life, needs an ambulance.',
  },
  {
    id: 828,
    title: 'Hay fever',
    body: 'Pollen makes noses run and eyes itch from the first hazel to the last grass. Tablets work best when taken before going out. Shower in the evening, and dry no laundry in the garden. Doctors offer injections over three years that make the allergy milder.',
  },
  {
    id: 829,
    title: 'Losing weight slowly',
    body: 'Half a kilo a week is fast enough to see and slow enough to last. Fill half the plate with vegetables, drink water, and sleep. Diets that forbid a whole food work until the first party. Exercise keeps weight off better than it takes it off.',
  },
  {
    id: 830,
    title: 'Sunburn',
    body: 'Cool with wet cloths, drink, and stay in the shade for days. Blisters are not to be opened. A shirt protects better than cream, and cream has to be as thick as icing. Skin remembers each burn, and doctors see it decades later.',
  },
  {
    id: 831,
    title: 'Cuts and grazes',
    body: 'Rinse the wound under the tap, press until the bleeding stops, and cover it. Deep or gaping cuts want stitches within six hours. Ask yourself when your last tetanus shot was. Doctors close clean wounds with stitches, strips or glue.',
  },
  {
    id: 832,
    title: 'Teeth: brush less hard',
    body: 'Two minutes, twice a day, with a soft brush and no pressure. Clean between the teeth in the evening. Bleeding gums are a reason to floss more, and to visit the dentist. Dentists see gum disease more often than holes in teeth.',
  },
  {
    id: 833,
    title: 'Interview with a physician',
    body: 'Questions collected for a talk about fever, cough and antibiotics. No answers yet.',
    status: 'draft',
  },
];

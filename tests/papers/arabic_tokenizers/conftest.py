import pytest

TEXT = """السلام عليكم ورحمة الله
يا ضيف طيف ما هداه لمضجعي # إلا لهيب في الحشى يتوقد
والكتاب بالمكتبة والكتب في المكتبات
كتب الكاتب كتابه وكتبت كتابها وكتبنا كتبنا
السلام عليكم يا أهل المكتبة
"""


@pytest.fixture(scope="session")
def text():
    from hotpapers.papers.arabic_tokenizers.tasks import invented

    return TEXT + "\n".join(invented(1, texts=60).train) + "\n"
